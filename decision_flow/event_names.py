"""The events of the trail: the name each has for ever, and what it is called in words."""

from __future__ import annotations

from enum import StrEnum

from decision_flow.errors import N_


class EventName(StrEnum):
    """Every event the product records, by the name it has for ever in the trail."""

    MATTER_REGISTERED = "matter.registered"
    MATTER_FINISHED = "matter.finished"
    MATTER_CANCELLED = "matter.cancelled"
    MATTER_SUSPENDED = "matter.suspended"
    MATTER_RESUMED = "matter.resumed"
    STEP_PASSED = "step.passed"
    TASK_OPENED = "task.opened"
    TASK_CLAIMED = "task.claimed"
    TASK_RELEASED = "task.released"
    TASK_TRANSFERRED = "task.transferred"
    TASK_COMPLETED = "task.completed"
    TASK_ENTERED_LATE = "task.entered_late"
    TASK_WITHDRAWN = "task.withdrawn"
    TIMER_FIRED = "timer.fired"
    DOCUMENT_UPLOADED = "document.uploaded"
    DOCUMENT_FILED = "document.filed"
    DOCUMENT_READ = "document.read"
    DRAFT_FROZEN = "draft.frozen"
    DRAFT_REVIEWED = "draft.reviewed"
    STALE_SETTLED = "draft.stale_settled"
    DECISION_RECORDED = "decision.recorded"
    PUBLICATION_RECORDED = "publication.recorded"
    EVALUATION_SCHEDULED = "evaluation.scheduled"
    EVALUATION_STARTED = "evaluation.started"
    ARCHIVE_FILED = "archive.filed"
    EVALUATION_TRIGGERED = "evaluation.triggered"
    EVALUATION_CLOSED = "evaluation.closed"
    FEEDBACK_RECORDED = "feedback.recorded"
    REMINDER_SENT = "reminder.sent"
    DEADLINE_MOVED = "deadline.moved"
    DEADLINE_PAUSED = "deadline.paused"
    DEADLINE_RESUMED = "deadline.resumed"
    DEADLINE_EXTENDED = "deadline.extended"
    TASK_RETURNED = "task.returned"
    SUBSTITUTION_MADE = "substitution.made"
    SUBSTITUTION_ENDED = "substitution.ended"
    HOOK_CHANGED = "hook.changed"
    NOTICE_RETRIED = "notice.retried"
    TIMER_RETRIED = "timer.retried"
    ACTION_REFUSED = "action.refused"
    PROCEDURE_PUBLISHED = "procedure.published"
    PROCEDURE_RETIRED = "procedure.retired"
    PROCEDURE_EXPORTED = "procedure.exported"
    DRAFT_STARTED = "procedure_draft.started"
    DRAFT_DISCARDED = "procedure_draft.discarded"
    DRAFT_WALKED = "procedure_draft.walked"
    ORGANISATION_CREATED = "organisation.created"
    ORGANISATION_CHANGED = "organisation.changed"
    POST_CREATED = "post.created"
    POST_CHANGED = "post.changed"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    APPOINTMENT_MADE = "appointment.made"
    APPOINTMENT_ENDED = "appointment.ended"
    EXCEPTION_RECORDED = "exception.recorded"
    EXCEPTION_DECIDED = "exception.decided"
    MAJOR_ITEM_ENTERED = "matter.major_item_entered"
    PRINT_TEMPLATE_CHANGED = "office.print_template_changed"
    OFFICE_SETTING_CHANGED = "office.setting_changed"
    POLICY_ASKED = "policy.asked"
    POLICY_CONFIRMED = "policy.confirmed"
    POLICY_REFUSED = "policy.refused"
    RECORD_LINKED = "record.linked"
    CATALOGUE_EDITED = "catalogue.edited"
    CATALOGUE_CONSENTED = "catalogue.consented"
    CATALOGUE_PUBLISHED = "catalogue.published"
    CATALOGUE_COMPLETED = "catalogue.completed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - an event name
    PASSWORD_RESET = "password.reset"  # noqa: S105 - an event name
    SIGNED_IN = "session.signed_in"
    SIGN_IN_FAILED = "session.failed"
    ACCOUNT_LOCKED = "session.locked"
    ACCOUNT_UNLOCKED = "session.unlocked"
    SIGNED_OUT = "session.signed_out"
    SESSION_REVOKED = "session.revoked"
    REAUTHENTICATED = "session.reauthenticated"
    NOTICE_PUBLISHED = "notice.published"
    NOTICE_WITHDRAWN = "notice.withdrawn"
    LEDGER_OPENED = "opinion.ledger_opened"
    OPINION_RECEIVED = "opinion.received"
    OPINION_DISPOSED = "opinion.disposed"
    OPINION_CHANGED = "opinion.changed"
    OPINIONS_IMPORTED = "opinion.imported"
    ENROLMENT_RECEIVED = "hearing.enrolled"
    HEARING_DRAWN = "hearing.drawn"
    EXPERT_REGISTERED = "expert.registered"
    EXPERT_RATED = "expert.rated"
    INSTITUTION_REGISTERED = "institution.registered"
    STANDING_CHANGED = "registry.standing_changed"
    PARTY_RECORDED = "party.recorded"
    CALENDAR_IMPORTED = "calendar.imported"
    TRAIL_READ = "trail.read"
    TRAIL_EXPORTED = "trail.exported"
    TRAIL_SEALED = "trail.sealed"
    TRAIL_VERIFIED = "trail.verified"
    TRAIL_STAMPED = "trail.stamped"
    FORM_EXPORTED = "form.exported"
    SETTINGS_CHANGED = "settings.changed"
    OWN_CHOICES_CHANGED = "user.choices_changed"
    BACKUP_MADE = "backup.made"
    BACKUP_RESTORED = "backup.restored"
    CERTIFICATE_ISSUED = "certificate.issued"


EVENTS: dict[str, str] = {
    "matter.registered": N_("登记事项"),
    "matter.finished": N_("办结事项"),
    "matter.cancelled": N_("撤销事项"),
    "matter.suspended": N_("中止执行"),
    "matter.resumed": N_("恢复执行"),
    "step.passed": N_("经过环节"),
    "task.opened": N_("产生任务"),
    "task.claimed": N_("签收"),
    "task.released": N_("退回签收"),
    "task.transferred": N_("转办"),
    "task.completed": N_("办结任务"),
    "task.entered_late": N_("补录"),
    "task.withdrawn": N_("撤回任务"),
    "timer.fired": N_("期限届满"),
    "document.uploaded": N_("上传材料"),
    "document.filed": N_("材料归入事项"),
    "document.read": N_("查阅材料"),
    "draft.frozen": N_("固定草案版本"),
    "draft.reviewed": N_("审查意见对应文本"),
    "draft.stale_settled": N_("需重做的环节已处理"),
    "decision.recorded": N_("作出决定"),
    "publication.recorded": N_("公布"),
    "evaluation.scheduled": N_("安排后评估"),
    "evaluation.started": N_("启动后评估"),
    "archive.filed": N_("归档"),
    "evaluation.triggered": N_("出现评估情形"),
    "evaluation.closed": N_("评估办结"),
    "feedback.recorded": N_("登记意见"),
    "reminder.sent": N_("逾期提醒"),
    "deadline.moved": N_("期限变动"),
    "deadline.paused": N_("中止计算期限"),
    "deadline.resumed": N_("恢复计算期限"),
    "deadline.extended": N_("延长期限"),
    "task.returned": N_("退回岗位"),
    "substitution.made": N_("安排代理"),
    "substitution.ended": N_("结束代理"),
    "hook.changed": N_("设置推送"),
    "notice.retried": N_("重发通知"),
    "timer.retried": N_("重试定时任务"),
    "action.refused": N_("拒绝操作"),
    "procedure.published": N_("发布程序"),
    "procedure.retired": N_("停用程序"),
    "procedure.exported": N_("导出程序"),
    "procedure_draft.started": N_("起草程序"),
    "procedure_draft.discarded": N_("放弃程序草案"),
    "procedure_draft.walked": N_("试走程序草案"),
    "organisation.created": N_("登记单位"),
    "organisation.changed": N_("修改单位"),
    "post.created": N_("设置岗位"),
    "post.changed": N_("修改岗位"),
    "user.created": N_("开立账号"),
    "user.changed": N_("修改账号"),
    "user.disabled": N_("停用账号"),
    "user.enabled": N_("启用账号"),
    "appointment.made": N_("任职"),
    "appointment.ended": N_("免职"),
    "exception.recorded": N_("登记豁免或例外"),
    "exception.decided": N_("批准或不批准例外"),
    "matter.major_item_entered": N_("列入三重一大台账"),
    "office.print_template_changed": N_("修改套打模板"),
    "office.setting_changed": N_("修改参数"),
    "policy.asked": N_("提出修改规则"),
    "policy.confirmed": N_("确认修改规则"),
    "policy.refused": N_("不同意修改规则"),
    "record.linked": N_("关联记录"),
    "catalogue.edited": N_("编制年度目录"),
    "catalogue.consented": N_("目录报党委同意"),
    "catalogue.published": N_("公布年度目录"),
    "catalogue.completed": N_("登记目录完成情况"),
    "password.changed": N_("修改密码"),
    "password.reset": N_("重置密码"),
    "session.signed_in": N_("登录"),
    "session.failed": N_("登录失败"),
    "session.locked": N_("锁定账号"),
    "session.unlocked": N_("解锁账号"),
    "session.signed_out": N_("退出登录"),
    "session.revoked": N_("撤销登录"),
    "session.reauthenticated": N_("签署前验证身份"),
    "notice.published": N_("发布公告"),
    "notice.withdrawn": N_("撤回公告"),
    "opinion.ledger_opened": N_("启用意见台账"),
    "opinion.received": N_("收到意见"),
    "opinion.disposed": N_("处理意见"),
    "opinion.changed": N_("整理意见"),
    "opinion.imported": N_("导入意见"),
    "hearing.enrolled": N_("听证报名"),
    "hearing.drawn": N_("抽取听证参加人"),
    "expert.registered": N_("专家入库"),
    "expert.rated": N_("评价专家履职"),
    "institution.registered": N_("机构入库"),
    "registry.standing_changed": N_("变更入库状态"),
    "party.recorded": N_("登记利害关系方"),
    "calendar.imported": N_("导入放假安排"),
    "trail.read": N_("查阅过程记录"),
    "trail.exported": N_("导出过程记录"),
    "trail.sealed": N_("签发检查点"),
    "trail.verified": N_("验证过程记录"),
    "trail.stamped": N_("存入时间戳"),
    "form.exported": N_("导出表单"),
    "settings.changed": N_("系统设置变更"),
    "user.choices_changed": N_("修改本人设置"),
    "backup.made": N_("备份"),
    "backup.restored": N_("恢复备份"),
    "certificate.issued": N_("出具不同意见证明"),
}
