// Designs a form: its fields as a table, and beside it what the server makes of them. Settings that the table does not
// show stay as they are.
import { button, el, input, select } from './editor/dom.js';
import { say } from './editor/words.js';

const box = document.getElementById('designer');
const token = document.querySelector('meta[name="csrf-token"]').content;
const DROPPED = { options: ['enum', 'multi'], columns: ['table'], ref: ['ref', 'multi'] };

function open() {
  const part = name => box.querySelector(`[data-part="${name}"]`);
  const definition = JSON.parse(box.dataset.definition);
  const types = Object.entries(JSON.parse(box.dataset.types));
  let revision = Number(box.dataset.revision);
  let waiting = 0;
  let asked = 0;

  const post = (url, body) => fetch(url, {
    method: 'POST', body: JSON.stringify(body), credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token },
  });

  function changed() {
    clearTimeout(waiting);
    waiting = setTimeout(preview, 150);
  }

  function tell(text) {
    part('error').hidden = !text;
    part('error').textContent = text || '';
  }

  async function preview() {
    const question = asked += 1;
    const told = await (await post(box.dataset.preview, { definition })).json();
    if (question !== asked) return; // An older answer may come after a newer one.
    tell(told.error);
    if (told.html) part('preview').innerHTML = told.html;
    box.dataset.previewed = String(Number(box.dataset.previewed || 0) + 1);
  }

  function set(field, name, value) {
    if (value === '' || value === false || (Array.isArray(value) && !value.length)) delete field[name];
    else field[name] = value;
    if (name === 'type') {
      for (const [setting, allowed] of Object.entries(DROPPED)) if (!allowed.includes(value)) delete field[setting];
      if (value === 'enum' && !field.options) field.options = [{ value: 'a', label: '甲', label_en: 'A' }];
      if (value === 'multi' && !field.options && !field.ref) field.options = [{ value: 'a', label: '甲', label_en: 'A' }];
      if (value === 'ref' && !field.ref) field.ref = 'organisation';
      if (value === 'table' && !field.columns) field.columns = [{ name: 'content', label: '内容', label_en: 'Content', type: 'text', required: true }];
      draw(definition.fields.indexOf(field), 'type');
    }
    changed();
  }

  function options(field, number) {
    if (!['enum', 'multi'].includes(field.type) || field.ref) return '';
    const control = el('textarea', { class: 'form-control form-control-sm', rows: Math.min(5, (field.options || []).length || 1), 'aria-label': `${say('选项')} ${number + 1}` });
    control.value = (field.options || []).map(option => `${option.value} ${option.label}`).join('\n');
    control.addEventListener('change', () => {
      const old = Object.fromEntries((field.options || []).map(option => [option.value, option]));
      field.options = control.value.split('\n').map(line => line.trim()).filter(Boolean).map(line => {
        const [value, ...words] = line.split(/\s+/);
        const label = words.join(' ') || value;
        return { ...(old[value] || {}), value, label };
      });
      changed();
    });
    return control;
  }

  function row(field, number) {
    const required = el('input', { type: 'checkbox', class: 'form-check-input', 'aria-label': `${say('必填')} ${number + 1}` });
    required.checked = Boolean(field.required);
    required.addEventListener('change', () => set(field, 'required', required.checked));
    const text = (name, label) => input(field[name], value => set(field, name, value), { 'aria-label': `${say(label)} ${number + 1}` });
    const move = by => { const [one] = definition.fields.splice(number, 1); definition.fields.splice(number + by, 0, one); draw(number + by, by < 0 ? 'up' : 'down'); changed(); };
    const remove = () => { definition.fields.splice(number, 1); draw(Math.min(number, definition.fields.length - 1), 'delete'); changed(); };
    const cell = (label, ...content) => el('td', { 'data-label': say(label) }, ...content);
    return el('tr', {},
      cell('名称', text('label', '名称')), cell('英文名称', text('label_en', '英文名称')), cell('代码', text('name', '代码')),
      cell('类型', select(field.type, types, value => set(field, 'type', value), null, { 'aria-label': `${say('类型')} ${number + 1}`, 'data-on': 'type' })),
      cell('必填', required), cell('选项', options(field, number)), cell('显示条件', text('visible_if', '显示条件')),
      cell('操作', el('div', { class: 'ed-acts' },
        button('↑', () => move(-1), { disabled: number === 0, 'data-on': 'up', 'aria-label': `${say('上移')} ${number + 1}` }),
        button('↓', () => move(1), { disabled: number === definition.fields.length - 1, 'data-on': 'down', 'aria-label': `${say('下移')} ${number + 1}` }),
        button(say('删除'), remove, { 'data-on': 'delete', 'aria-label': `${say('删除')} ${number + 1}` }))));
  }

  // Whoever works by keyboard stays at the field that was moved or changed, or next to the one taken away.
  function draw(number = -1, on = '') {
    const rows = definition.fields.map(row);
    part('fields').tBodies[0].replaceChildren(...rows);
    if (number < 0) { if (on) part('add').focus(); return; }
    const control = rows[number].querySelector(`[data-on="${on}"]`);
    (control.disabled ? rows[number].querySelector('input') : control).focus();
  }

  async function save() {
    const answer = await post(box.dataset.save, { revision, definition });
    const told = await answer.json();
    tell(told.error);
    if (!answer.ok) return;
    revision = told.revision;
    part('state').textContent = `${box.dataset.savedLabel} · ${say('修订')} ${revision}`;
  }

  for (const control of box.querySelectorAll('[data-head]')) control.addEventListener('change', () => { definition[control.dataset.head] = control.value; changed(); });
  part('add').addEventListener('click', () => {
    const names = new Set(definition.fields.map(field => field.name));
    let number = definition.fields.length + 1;
    while (names.has(`field_${number}`)) number += 1;
    definition.fields.push({ name: `field_${number}`, label: '新字段', label_en: 'New field', type: 'text' });
    draw();
    changed();
    const rows = part('fields').tBodies[0].rows;
    rows[rows.length - 1].querySelector('input').select();
  });
  if (part('save')) part('save').addEventListener('click', save);
  draw();
  preview();
}

if (box) open();
