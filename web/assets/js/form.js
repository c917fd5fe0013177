// A form being filled in: conditional fields and long lists; conditions, rows and files have their own modules. Everything works without it.
import { evaluate } from './forms/conditions.js';
import { watchFiles } from './forms/files.js';
import { actOnRow, columnOf, controlsIn } from './forms/rows.js';


function typed(control) {
  const text = control.value;
  if (text === '') return null;
  if (control.type === 'number' || control.inputMode === 'decimal') return Number(text.replace(/,/g, ''));
  if (control.tagName === 'SELECT' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function answer(form, name) {
  const table = form.querySelector(`[data-table="${name}"]`);
  if (table) {
    return [...table.tBodies[0].rows].map(controlsIn).filter(cells => cells.some(cell => cell.value))
      .map(cells => Object.fromEntries(cells.map(cell => [columnOf(cell), typed(cell)])));
  }
  const boxes = [...form.querySelectorAll(`input[type=checkbox][name="${name}"]`)];
  if (boxes.length) return boxes.filter(box => box.checked).map(box => box.value);
  const control = form.elements[name];
  if (!control || control.closest('[data-visible-if][hidden]')) return null;
  return typed(control);
}

function showConditions(form) {
  const known = new Map(); // a table of many rows is read once for all conditions
  const names = name => {
    if (!known.has(name)) known.set(name, answer(form, name));
    return known.get(name);
  };
  for (const field of form.querySelectorAll('[data-visible-if]')) field.hidden = !evaluate(JSON.parse(field.dataset.visibleIf), names);
  for (const mark of form.querySelectorAll('[data-required-if]')) mark.classList.toggle('required', evaluate(JSON.parse(mark.dataset.requiredIf), names));
}

// A box above a long list: typing leaves only what contains the text; the only one left is chosen.
function addSearch(list) {
  const box = document.createElement('input');
  box.type = 'search';
  box.className = 'form-control form-control-sm df-search';
  box.placeholder = list.dataset.search;
  box.setAttribute('aria-label', list.dataset.search);
  box.dataset.filter = '1';
  list.before(box);
  box.addEventListener('input', () => {
    const entries = [...(list.options || list.children)].filter(entry => entry.value !== '');
    for (const entry of entries) entry.hidden = !entry.textContent.includes(box.value.trim());
    const left = entries.filter(entry => !entry.hidden);
    if (list.options && box.value && left.length === 1) { list.value = left[0].value; list.dispatchEvent(new Event('input', { bubbles: true })); }
  });
  box.addEventListener('keydown', event => { if (event.key === 'Enter') event.preventDefault(); });
}

for (const form of document.querySelectorAll('.task-form')) {
  for (const list of form.querySelectorAll('.df-field > [data-search], fieldset > [data-search]')) addSearch(list);
  watchFiles(form);
  showConditions(form);
  form.addEventListener('input', () => showConditions(form));
  form.addEventListener('click', event => {
    if (!actOnRow(form, event.target)) return;
    event.preventDefault();
    form.dispatchEvent(new Event('input', { bubbles: true }));
  });
}
const summary = document.getElementById('error-summary');
const wrong = document.querySelector('[aria-invalid="true"]');
if (summary) summary.focus();
else if (wrong) wrong.focus();
