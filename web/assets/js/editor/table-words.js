// What the table editor says, in Chinese; a text without Chinese is noted as a miss.
import { misses } from './translate.js';

const WORDS = {
  'Add Input': '加输入列', 'Add Output': '加输出列', 'Add rule': '加一行', 'Add rule above': '在上方加一行', 'Add rule below': '在下方加一行',
  'Add input left': '在左边加输入列', 'Add input right': '在右边加输入列', 'Add output left': '在左边加输出列', 'Add output right': '在右边加输出列',
  'Add left': '在左边加', 'Add right': '在右边加', 'Add above': '在上方加', 'Add below': '在下方加', 'Remove': '删除', 'Cut': '剪切', 'Copy': '复制',
  'Paste': '粘贴', 'Paste above': '粘贴到上方', 'Paste below': '粘贴到下方', 'Paste left': '粘贴到左边', 'Paste right': '粘贴到右边',
  'Rule': '行', 'Input': '输入', 'Output': '输出', 'Annotation': '说明', 'Annotations': '说明', 'And': '并且', 'When': '当', 'Then': '则', 'Any': '不限',
  'Hit policy:': '命中策略：', 'Hit policy': '命中策略', 'Hit Policy:': '命中策略：', 'Hit Policy': '命中策略', 'Unique': '唯一', 'First': '首个', 'Collect': '全部', 'Rule order': '按行序', 'Output order': '按输出序', 'Priority': '优先',
  'Aggregation:': '汇总：', 'No overlap is possible and all rules are disjoint. Only a single rule can be matched': '各行互不重叠，只能有一行符合',
  'Rules may overlap. The first matching rule will be chosen': '各行可以重叠，取第一个符合的行', 'Edit': '修改', 'Edit decision name': '修改名称', 'Edit decision ID': '修改编号',
  'Edit input': '修改输入列', 'Edit output': '修改输出列', 'Expression': '表达式', 'Expression:': '表达式：', 'Input label': '输入列名称', 'Output label': '输出列名称', 'Output Name': '输出列代码', 'Output name': '输出列代码', 'Input expression': '输入表达式',
  'Type': '类型', 'Input type': '输入类型', 'Output type': '输出类型', 'string': '文字', 'boolean': '是否', 'number': '数字', 'date': '日期', 'time': '时间', 'dateTime': '日期时间', 'dayTimeDuration': '时长', 'yearMonthDuration': '年月时长',
  'View DRD': '查看关系图', 'Open decision table': '打开决策表', 'Decision Table': '决策表', 'Expression Language': '表达式语言', 'Change Cell Expression Language': '更改单元格表达式语言', 'Add description': '加说明', 'Remove description': '去掉说明', 'Edit description': '修改说明', 'Description': '说明',
  'Add predefined values': '加可选值', 'Predefined values': '可选值', 'Predefined values:': '可选值：', 'Input values': '可选值', 'Label': '名称', 'Name': '代码', 'Output Label': '输出列名称', 'Input Label': '输入列名称',
  'Values are used for completion suggestions': '可选值只用于提示', 'Missing': '缺少', 'Decision name': '名称', 'Decision name: ': '名称：', 'Collect (Sum)': '全部（求和，不能运行）', 'Collect (Min)': '全部（最小，不能运行）', 'Collect (Max)': '全部（最大，不能运行）', 'Collect (Count)': '全部（计数，不能运行）',
  'Input label: ': '输入列名称：', 'Output label: ': '输出列名称：', 'Resize': '调整列宽', 'Add input': '加输入列', 'Add output': '加输出列', 'Move rule': '移动这一行', 'Enter value': '填写值', 'Value': '值', 'Literal Expression': '表达式',
};
const chinese = document.documentElement.lang.startsWith('zh');

export function translate(template, values) {
  let text = template;
  if (chinese) {
    text = WORDS[template];
    if (text === undefined) { if (/[A-Za-z]{2}/.test(template)) misses.add(template); text = template; }
  }
  return text.replace(/{([^}]+)}/g, (whole, key) => (values && key in values ? values[key] : whole));
}
