// Conditions and deadlines as controls: picked from the forms' fields, or written freely.
import * as conditions from './condition.js';
import * as deadlines from './deadline.js';
import { button, el, input, select } from './dom.js';
import { say } from './words.js';

const OPERATORS = {
  yes: '为是', no: '为否', '==': '等于', '!=': '不等于', in: '是下列之一', '>': '大于', '>=': '不小于', '<': '小于', '<=': '不大于',
  contains: '包含', filled: '有内容', blank: '没有内容',
};

// [path, label] of the fields that `wanted` lets through, the draft's own forms first.
export function fieldChoices(forms, wanted) {
  const sorted = [...forms].sort((a, b) => Number(b.own) - Number(a.own));
  return sorted.flatMap(form => form.fields.filter(wanted).map(field => [`${form.key}.${field.name}`, `${form.id} ${form.title} · ${field.label}`]));
}

export function findField(forms, path) {
  const [key, name] = path.split('.');
  const form = forms.find(entry => entry.key === key);
  return form ? form.fields.find(field => field.name === name) : undefined;
}

// A number, written or taken from a setting of the policy, with which it changes.
function numberControl(value, settings, commit, label) {
  const own = !deadlines.isSetting(value);
  const choices = settings.map(one => [`policy.${one.key}`, `${one.label} · ${one.value}`]);
  if (!own && !choices.some(([key]) => key === value)) choices.push([value, value]);
  const source = choices.length ? select(own ? '' : value, choices, chosen => commit(chosen || settings.find(one => `policy.${one.key}` === value)?.value || ''), say('自己填写'), { 'aria-label': say('数值取自') }) : null;
  const written = own ? input(value === undefined ? '' : String(value), commit, { 'aria-label': label, inputmode: 'decimal', class: 'form-control form-control-sm ed-number' }) : null;
  return [written, source].filter(Boolean);
}

export function conditionBuilder(text, { forms, settings }, commit) {
  const box = el('div', { class: 'ed-builder' });
  const draw = (told, free) => {
    box.replaceChildren();
    if (!told || free) {
      box.append(input(text, commit, { 'aria-label': say('条件'), spellcheck: 'false', class: 'form-control form-control-sm ed-code' }));
      if (conditions.parse(text)) box.append(button(say('用选项写'), () => draw(conditions.parse(text), false), { class: 'linklike ed-small' }));
      return;
    }
    const choices = fieldChoices(forms, field => ['bool', 'enum', 'multi', 'int', 'number', 'money', 'table', 'text', 'date'].includes(field.type));
    const changed = () => commit(conditions.write(told));
    told.rows.forEach((row, number) => {
      if (number) box.append(select(told.join, [['and', say('且')], ['or', say('或')]], value => { told.join = value; changed(); }, null, { 'aria-label': say('且'), class: 'form-select form-select-sm ed-join' }));
      box.append(conditionRow(row, choices, { forms, settings }, changed, () => { told.rows.splice(number, 1); changed(); }));
    });
    box.append(el('div', { class: 'ed-links' },
      button(say('加一个条件'), () => { told.rows.push({ path: '', op: '==' }); draw(told, false); }, { class: 'linklike ed-small' }),
      button(say('用表达式写'), () => draw(told, true), { class: 'linklike ed-small' })));
  };
  draw(conditions.parse(text), false);
  return box;
}

function conditionRow(row, choices, { forms, settings }, changed, remove) {
  const field = row.path ? findField(forms, row.path) : undefined;
  const type = field ? field.type : row.number ? 'number' : 'text';
  const allowed = conditions.operators(type);
  const known = allowed.includes(row.op) ? allowed : [row.op, ...allowed];
  const pick = value => {
    const chosen = findField(forms, value);
    row.path = value;
    row.op = conditions.operators(chosen.type)[0];
    row.number = ['int', 'number', 'money'].includes(chosen.type);
    row.value = chosen.options.length ? chosen.options[0][0] : '';
    changed();
  };
  const parts = [
    select(row.path, choices, pick, say('请选择'), { 'aria-label': say('字段') }),
    row.path ? select(row.op, known.map(op => [op, say(OPERATORS[op])]), op => { row.op = op; if (op === 'in') row.value = [].concat(row.value || []); changed(); }, null, { 'aria-label': say('比较') }) : null,
  ];
  if (row.path && !['yes', 'no', 'filled', 'blank'].includes(row.op)) parts.push(...valueControl(row, field, settings, changed));
  parts.push(button('×', remove, { 'aria-label': say('去掉'), title: say('去掉'), class: 'btn btn-sm btn-outline-secondary ed-x' }));
  return el('div', { class: 'ed-row' }, parts);
}

function valueControl(row, field, settings, changed) {
  const options = field ? field.options : [];
  if (row.op === 'in' && options.length) {
    const list = el('select', { class: 'form-select form-select-sm', multiple: true, size: Math.min(4, options.length), 'aria-label': say('值') });
    for (const [value, label] of options) list.append(el('option', { value, selected: [].concat(row.value || []).includes(value) }, label));
    list.addEventListener('change', () => { row.value = [...list.selectedOptions].map(option => option.value); changed(); });
    return [list];
  }
  const set = value => { row.value = value; changed(); };
  if (options.length) return [select(row.value, options, set, null, { 'aria-label': say('值') })];
  if (row.number) return numberControl(row.value, settings, set, say('值'));
  return [input(row.value, set, { 'aria-label': say('值') })];
}

const byKind = parts => [parts.find(part => part.tagName === 'INPUT'), parts.find(part => part.tagName === 'SELECT')];

// `untilDate` offers a date of a form as the moment itself, which only a waiting event can use.
export function deadlineBuilder(text, { forms, settings }, commit, untilDate = false) {
  const box = el('div', { class: 'ed-builder' });
  const told = deadlines.parse(text);
  if (!told) {
    box.append(input(text, commit, { 'aria-label': say('办理期限'), spellcheck: 'false', class: 'form-control form-control-sm ed-code' }));
    return box;
  }
  const dates = fieldChoices(forms, field => field.type === 'date' || field.type === 'datetime');
  const kinds = [['working_days_after', say('工作日')], ['days_after', say('自然日')], ['months_after', say('个月')]];
  if (untilDate) kinds.push(['date', say('到表单中的日期为止')]);
  const changed = () => commit(deadlines.write(told));
  const row = el('div', { class: 'ed-row' });
  const counted = settings.filter(one => one.counts === told.kind);
  const setCount = value => { told.count = deadlines.isSetting(value) ? value : String(value).replace(/[^0-9]/g, ''); changed(); };
  const [count, source] = told.kind && told.kind !== 'date' ? byKind(numberControl(told.count, counted, setCount, say('办理期限'))) : [];
  if (count) row.append(count);
  row.append(select(told.kind, kinds, kind => {
    told.kind = kind;
    told.count = (!deadlines.isSetting(told.count) && told.count) || 5;
    if (kind === 'date' && !told.start) told.start = dates.length ? dates[0][0] : '';
    changed();
  }, untilDate ? say('请选择') : say('没有期限'), { 'aria-label': say('工作日') }));
  box.append(row);
  if (source) box.append(source);
  if (told.kind) box.append(select(told.start, dates, value => { told.start = value; changed(); }, told.kind === 'date' ? say('请选择') : say('自收到任务起'), { 'aria-label': say('从哪天起') }));
  box.append(button(say('另写表达式'), () => box.replaceChildren(input(text, commit, { 'aria-label': say('办理期限'), spellcheck: 'false', class: 'form-control form-control-sm ed-code' })), { class: 'linklike ed-small' }));
  return box;
}
