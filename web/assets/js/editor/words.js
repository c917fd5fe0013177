// The editor's own texts: Chinese is the key, English beside it. A text without English is a miss, as in the catalogue.
import { misses } from './translate.js';

const ENGLISH = {
  '名称': 'Name', '英文名称': 'Name in English', '岗位角色': 'Role', '法定环节': 'Statutory step', '作为豁免记录的环节': 'Records the exemption of',
  '依据': 'Basis', '表单': 'Form', '办理提示': 'Hint', '英文提示': 'Hint in English', '办理期限': 'Deadline', '期限依据的规则': 'Rule of the deadline',
  '由哪个单位办': 'Unit (expression)', '由哪个人办': 'Person (expression)', '逐项办理': 'Once for each entry of a list', '列表': 'List', '逐项的名称': 'Entry is called',
  '依次办理': 'One after another', '系统功能': 'Function of the product', '决策表': 'Decision table', '结果放在': 'Result is kept as', '被调用的流程': 'Called process',
  '默认连线': 'Default way', '条件': 'Condition', '走这条连线的条件': 'Condition of this way', '没有条件': 'No condition', '等待到': 'Wait until', '信号名称': 'Signal',
  '启动表单': 'Start form', '适用政策': 'Policy', '请选择': 'Choose', '无': 'None',
  '自己填写': 'Own number', '数值取自': 'Number taken from', '工作日': 'working days', '自然日': 'calendar days', '个月': 'months', '自收到任务起': 'from receipt', '从哪天起': 'Counted from', '没有期限': 'No deadline', '另写表达式': 'Write an expression', '到表单中的日期为止': 'until a date in a form',
  '且': 'and', '或': 'or', '加一个条件': 'Add a condition', '去掉': 'Remove', '用表达式写': 'Write it as an expression', '用选项写': 'Build it', '字段': 'Field', '比较': 'Comparison', '值': 'Value',
  '等于': 'is', '不等于': 'is not', '是下列之一': 'is one of', '大于': 'more than', '不小于': 'at least', '小于': 'less than', '不大于': 'at most', '为是': 'is yes', '为否': 'is no', '包含': 'contains', '有内容': 'is not empty', '没有内容': 'is empty', '有一行为': 'has a row with',
  '环节': 'Step', '类型': 'Kind', '下一步': 'Next', '操作': 'Actions', '在后面加一步': 'Add a step after', '上移': 'Move up', '下移': 'Move down', '删除': 'Delete', '新环节': 'New step', '在图上找到': 'Show on the diagram',
  '人工任务': 'Task', '系统办理': 'Service', '规则判定': 'Decision', '调用流程': 'Called process', '开始': 'Start', '结束': 'End', '网关': 'Gateway', '等待': 'Wait', '子流程': 'Sub-process', '边界事件': 'Boundary event',
  '：': ': ', '没有发现问题': 'No findings', '正在核对': 'Checking', '核对不了，稍后再试': 'Could not check; will try again', '处问题': 'findings', '处提示': 'warnings', '可以运行': 'Runs', '合法': 'Lawful', '不合法': 'Unlawful', '有缺陷': 'Unsound', '不能运行': 'Cannot run', '不能判定': 'Undecided',
  '演示这条路': 'Show this way', '上一步': 'Back', '下一步 ▶': 'Next ▶', '收起演示': 'End', '已保存': 'Saved', '正在保存': 'Saving', '有改动未保存': 'Unsaved changes', '没有保存成功，稍后再试': 'Not saved; will try again', '修订': 'revision',
  '把我的修改另存为新草案': 'Keep my changes as a new draft', '载入对方保存的内容': 'Load what they saved', '导入流程图时有内容没有读懂': 'Something in the diagram was not understood', '仍然编辑': 'Edit all the same', '只看不改': 'Read only',
  '代码': 'Code', '必填': 'Required', '选项': 'Options', '显示条件': 'Shown if', '请先选择一个环节': 'Select a step first', '整个流程': 'The whole process', '设计表单': 'Design the form', '打开决策表': 'Open the table', '新建表单': 'New form', '第': 'Step', '步': '', '找不到这个元素': 'This element is in another diagram', '随产品提供': 'shipped', '流出连线': 'Ways out', '条例': 'Decree', '保存': 'Save', '选择一个环节，在这里填写它的岗位、环节、表单和期限。': 'Select a step to set its role, statutory step, form and deadline.',
};
const chinese = document.documentElement.lang.startsWith('zh');

export function say(text) {
  if (!(text in ENGLISH)) misses.add(text);
  return chinese ? text : ENGLISH[text] === undefined ? text : ENGLISH[text];
}
