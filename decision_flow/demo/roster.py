"""The people of the demo: a district with its departments and two townships. All names are invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """One organisation; `organ` is the name of the decision-making organ it belongs to."""

    name: str
    name_en: str
    level: str
    kind: str
    parent: str = ""
    organ: str = ""
    binding: str = ""
    credit_code: str = ""


@dataclass(frozen=True)
class Person:
    """One account with its posts: (organisation, title, title in English, role code)."""

    username: str
    name: str
    name_en: str
    posts: tuple[tuple[str, str, str, str], ...]


DISTRICT = "云岭区人民政府"
QINGHE = "清河镇人民政府"
SHIQIAO = "石桥镇人民政府"

UNITS: tuple[Unit, ...] = (
    Unit(DISTRICT, "Yunling District Government", "district", "government", binding="direct"),
    Unit("区政府办公室", "District Government Office", "district", "office", DISTRICT, DISTRICT),
    Unit("区司法局", "District Bureau of Justice", "district", "judicial_office", DISTRICT, DISTRICT),
    Unit("区发展和改革局", "District Development and Reform Bureau", "district", "department", DISTRICT, DISTRICT),
    Unit("区交通运输局", "District Transport Bureau", "district", "department", DISTRICT, DISTRICT),
    Unit("区财政局", "District Finance Bureau", "district", "department", DISTRICT, DISTRICT),
    Unit("区市场监督管理局", "District Market Regulation Bureau", "district", "department", DISTRICT, DISTRICT),
    Unit("区档案馆", "District Archives", "district", "institution", DISTRICT, DISTRICT),
    Unit(QINGHE, "Qinghe Town Government", "township", "government", DISTRICT, binding="by_reference"),
    Unit("清河镇党政综合办公室", "Qinghe General Office", "township", "office", QINGHE, QINGHE),
    Unit("清河镇规划建设和生态环境办公室", "Qinghe Planning and Construction Office", "township", "office", QINGHE, QINGHE),
    Unit("清河镇经济发展办公室", "Qinghe Economic Office", "township", "office", QINGHE, QINGHE),
    Unit("清河镇财政所", "Qinghe Finance Office", "township", "office", QINGHE, QINGHE),
    Unit("清河司法所", "Qinghe Judicial Office", "township", "judicial_office", QINGHE, QINGHE),
    Unit("清河镇农村公路管理站", "Qinghe Rural Road Station", "township", "institution", QINGHE, QINGHE),
    Unit("青石村村民委员会", "Qingshi Village Committee", "village", "social_org", QINGHE, QINGHE),
    Unit("柳湾村村民委员会", "Liuwan Village Committee", "village", "social_org", QINGHE, QINGHE),
    Unit(SHIQIAO, "Shiqiao Town Government", "township", "government", DISTRICT, binding="by_reference"),
    Unit("石桥镇党政综合办公室", "Shiqiao General Office", "township", "office", SHIQIAO, SHIQIAO),
    Unit("石桥镇农业农村办公室", "Shiqiao Agriculture Office", "township", "office", SHIQIAO, SHIQIAO),
    Unit("石桥司法所", "Shiqiao Judicial Office", "township", "judicial_office", SHIQIAO, SHIQIAO),
    Unit("清衡法律咨询中心", "Qingheng Legal Centre", "external", "social_org", DISTRICT, DISTRICT),
    Unit("云岭区决策咨询专家库", "Yunling Expert Pool", "external", "social_org", DISTRICT, DISTRICT),
    Unit(
        "恒测工程咨询有限公司", "Hengce Engineering Consultants", "external", "enterprise",
        DISTRICT, DISTRICT, credit_code="91530103MA6K7T2Q4X",
    ),
    Unit("区审计局", "District Audit Bureau", "district", "department", DISTRICT, DISTRICT),
)  # fmt: skip


def _organ_posts(organ: str, office: str, justice: str, audience: str) -> dict[str, tuple[str, str, str, str]]:
    """Return the posts that every organ has, by role; `audience` is the head's title."""
    return {
        "office": (office, "办公室主任", "Office director", "government_office"),
        "clerk": (office, "会议秘书", "Meeting clerk", "hearing_clerk"),
        "host": (office, "听证主持人", "Hearing host", "hearing_host"),
        "disclosure": (office, "政务公开专员", "Disclosure officer", "disclosure_officer"),
        "secrecy": (office, "保密审查员", "Confidentiality reviewer", "confidentiality_reviewer"),
        "spokesperson": (office, "新闻发言人", "Spokesperson", "spokesperson"),
        "party": (office, "党委文书", "Party committee clerk", "party_committee"),
        "npc": (office, "人大联络员", "Congress liaison", "npc_liaison"),
        "supervisor": (office, "督查专员", "Supervisor", "supervisor"),
        "archivist": (office, "档案员", "Archivist", "archivist"),
        "head": (organ, audience, "Administrative head", "admin_head"),
        "deputy": (organ, "副" + audience, "Deputy head", "deputy_head"),
        "member": (organ, "会议组成人员", "Meeting member", "meeting_member"),
        "reviewer": (justice, "合法性审查员", "Legality reviewer", "legality_reviewer"),
        "legal_head": (justice, "审查负责人", "Head of legality review", "legality_head"),
    }


_D = _organ_posts(DISTRICT, "区政府办公室", "区司法局", "区长")
_Q = _organ_posts(QINGHE, "清河镇党政综合办公室", "清河司法所", "镇长")
_S = _organ_posts(SHIQIAO, "石桥镇党政综合办公室", "石桥司法所", "镇长")


def _unit(unit: str, title: str, title_en: str, *roles: str) -> tuple[tuple[str, str, str, str], ...]:
    return tuple((unit, title, title_en, role) for role in roles)


PEOPLE: tuple[Person, ...] = (
    # 清河镇
    Person("zhoukai", "周凯", "Zhou Kai", (_Q["office"], _Q["supervisor"], _Q["spokesperson"])),
    Person("linyue", "林悦", "Lin Yue", (_Q["disclosure"], _Q["clerk"])),
    Person("heping", "何萍", "He Ping", (_Q["secrecy"], _Q["archivist"])),
    Person("tangwen", "唐文", "Tang Wen", (_Q["party"], _Q["npc"])),
    Person("gaojianming", "高建明", "Gao Jianming", (_Q["head"], _Q["member"])),
    Person("sunli", "孙丽", "Sun Li", (_Q["deputy"], _Q["member"])),
    Person("mabo", "马波", "Ma Bo", (_Q["deputy"], _Q["member"])),
    Person(
        "chenbin", "陈斌", "Chen Bin",
        _unit("清河镇规划建设和生态环境办公室", "主任", "Director", "undertaking_unit", "consulted_unit")
        + _unit("清河镇规划建设和生态环境办公室", "风险评估员", "Risk assessor", "risk_assessor"),
    ),
    Person(
        "wuting", "吴婷", "Wu Ting",
        _unit("清河镇规划建设和生态环境办公室", "科员", "Officer", "undertaking_unit", "proposer"),
    ),
    Person(
        "liqiang", "李强", "Li Qiang",
        _unit("清河镇经济发展办公室", "主任", "Director", "undertaking_unit", "consulted_unit")
        + _unit("清河镇经济发展办公室", "公平竞争审查员", "Fair competition reviewer", "fair_competition_reviewer"),
    ),
    Person("xujing", "徐静", "Xu Jing", _unit("清河镇财政所", "所长", "Head", "consulted_unit", "undertaking_unit")),
    Person("wangmin", "王敏", "Wang Min", (_Q["reviewer"],)),
    Person("zhaolei", "赵磊", "Zhao Lei", (_Q["legal_head"], _Q["host"])),
    Person(
        "fangyi", "方毅", "Fang Yi",
        _unit("清河镇农村公路管理站", "站长", "Station head", "implementing_unit", "post_evaluator"),
    ),
    Person("yangguang", "杨光", "Yang Guang", _unit("青石村村民委员会", "主任（镇人大代表）", "Chair (town deputy)", "proposer")),
    Person("hanmei", "韩梅", "Han Mei", _unit("柳湾村村民委员会", "主任", "Chair", "proposer", "consulted_unit")),
    Person("dengjie", "邓洁", "Deng Jie", _unit("清河镇党政综合办公室", "程序建模员", "Procedure modeller", "procedure_modeller")),
    Person(
        "qiaolin", "乔林", "Qiao Lin",
        _unit("清河镇党政综合办公室", "程序发布人", "Procedure publisher", "procedure_publisher"),
    ),
    # 云岭区
    Person("zhengtao", "郑涛", "Zheng Tao", (_D["office"], _D["supervisor"], _D["spokesperson"])),
    Person("luoxin", "罗欣", "Luo Xin", (_D["disclosure"], _D["clerk"], _D["npc"])),
    Person("pengfei", "彭飞", "Peng Fei", (_D["secrecy"], _D["party"])),
    Person("shiyun", "石云", "Shi Yun", (_D["archivist"],)),
    Person("liangwei", "梁伟", "Liang Wei", (_D["head"], _D["member"])),
    Person("songyan", "宋妍", "Song Yan", (_D["deputy"], _D["member"])),
    Person("dongchao", "董超", "Dong Chao", (_D["reviewer"],)),
    Person("caiying", "蔡莹", "Cai Ying", (_D["legal_head"], _D["host"])),
    Person(
        "fenghao", "冯浩", "Feng Hao",
        _unit("区发展和改革局", "价格科科长", "Head of pricing", "undertaking_unit", "proposer", "consulted_unit")
        + _unit("区发展和改革局", "风险评估员", "Risk assessor", "risk_assessor"),
    ),
    Person(
        "yujia", "于佳", "Yu Jia",
        _unit("区交通运输局", "综合科科长", "Section head", "undertaking_unit", "proposer", "consulted_unit", "implementing_unit"),
    ),
    Person("jiangshan", "蒋珊", "Jiang Shan", _unit("区财政局", "预算科科长", "Head of budget", "consulted_unit")),
    Person(
        "qiulin", "邱林", "Qiu Lin",
        _unit("区市场监督管理局", "反垄断科科长", "Head of competition", "fair_competition_reviewer", "consulted_unit"),
    ),
    Person("weina", "魏娜", "Wei Na", _unit("区档案馆", "评估专员", "Evaluator", "post_evaluator")),
    # 石桥镇
    Person("duanrui", "段锐", "Duan Rui", (_S["office"], _S["clerk"], _S["supervisor"], _S["disclosure"])),
    Person("qinlan", "秦岚", "Qin Lan", (_S["secrecy"], _S["archivist"], _S["party"], _S["npc"])),
    Person("shaojun", "邵军", "Shao Jun", (_S["head"], _S["member"])),
    Person("wanling", "万玲", "Wan Ling", (_S["deputy"], _S["member"])),
    Person(
        "taoran", "陶然", "Tao Ran",
        _unit("石桥镇农业农村办公室", "主任", "Director", "undertaking_unit", "proposer", "consulted_unit", "implementing_unit")
        + _unit("石桥镇农业农村办公室", "风险评估员", "Risk assessor", "risk_assessor"),
    ),
    Person("niexu", "聂旭", "Nie Xu", (_S["reviewer"],)),
    Person("bailu", "白露", "Bai Lu", (_S["legal_head"], _S["host"])),
    # 顾问、专家、监督
    Person("guyan", "顾言", "Gu Yan", _unit("清衡法律咨询中心", "法律顾问", "Legal adviser", "legal_adviser")),
    Person("shenlu", "沈璐", "Shen Lu", _unit("清衡法律咨询中心", "公职律师", "Public lawyer", "public_lawyer", "legal_adviser")),
    Person("moqing", "莫青", "Mo Qing", _unit("云岭区决策咨询专家库", "道路工程专家", "Road engineer", "expert")),
    Person("ranbo", "冉博", "Ran Bo", _unit("云岭区决策咨询专家库", "公共政策专家", "Policy expert", "expert")),
    Person("xiaoheng", "肖恒", "Xiao Heng", _unit("云岭区决策咨询专家库", "水利工程专家", "Hydraulic engineer", "expert")),
    Person("jinru", "金茹", "Jin Ru", _unit("恒测工程咨询有限公司", "评估项目负责人", "Assessment lead", "risk_assessor", "post_evaluator")),
    Person("lvping", "吕平", "Lv Ping", _unit("区审计局", "审计员", "Auditor", "oversight_reader")),
    Person("tengyun", "滕云", "Teng Yun", _unit("区政府办公室", "规则管理员", "Keeper of the policy", "policy_keeper")),
    Person("guanyue", "关越", "Guan Yue", _unit("区政府办公室", "规则管理员", "Keeper of the policy", "policy_keeper")),
    Person("admin", "系统管理员", "System administrator", _unit("区政府办公室", "系统管理员", "System administrator", "system_admin")),
    Person("security", "安全管理员", "Security administrator", _unit("区政府办公室", "安全管理员", "Security administrator", "security_admin")),
    Person("audit", "审计管理员", "Audit administrator", _unit("区政府办公室", "审计管理员", "Audit administrator", "audit_admin")),
    Person("tangjing", "唐静", "Tang Jing", _unit(QINGHE, "纪检监察员", "Discipline inspector", "oversight_reader")),
)  # fmt: skip
