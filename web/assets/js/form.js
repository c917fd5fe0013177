// A form being filled in: conditional fields, repeatable rows, long lists. Everything works without it.

// A condition is [operator, ...arguments], the tree that the server checks again. What is not answered is null.
const blank = value => value === null || value === '' || (Array.isArray(value) && !value.length);
const day = value => Date.parse(String(value).slice(0, 10) + 'T00:00:00Z') / 864e5;
const operations = {
  list: (...parts) => parts,
  not: a => !a,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a !== null && b !== null && a < b,
  '<=': (a, b) => a !== null && b !== null && a <= b,
  '>': (a, b) => a !== null && b !== null && a > b,
  '>=': (a, b) => a !== null && b !== null && a >= b,
  in: (a, b) => (b || []).includes(a),
  empty: blank,
  exists: a => !blank(a),
  len: a => (a || []).length,
  count: (rows, name, value) => (rows || []).filter(row => row[name] === value).length,
  any_of: (rows, name, value) => (rows || []).some(row => row[name] === value),
  days_between: (a, b) => (blank(a) || blank(b) ? null : day(b) - day(a)),
};

function evaluate([kind, ...parts], names) {
  if (kind === 'value') return parts[0];
  if (kind === 'name') return names(parts[0]);
  if (kind === 'and') return parts.every(part => evaluate(part, names));
  if (kind === 'or') return parts.some(part => evaluate(part, names));
  return operations[kind](...parts.map(part => evaluate(part, names)));
}

function typed(control) {
  const text = control.value;
  if (text === '') return null;
  if (control.type === 'number' || control.inputMode === 'decimal') return Number(text.replace(/,/g, ''));
  if (control.tagName === 'SELECT' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

const controlsIn = row => [...row.querySelectorAll('input,select,textarea')].filter(control => !control.dataset.filter);
const columnOf = control => control.name.replace(/^.*-\d+-/, '');

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
  const names = name => answer(form, name);
  for (const field of form.querySelectorAll('[data-visible-if]')) field.hidden = !evaluate(JSON.parse(field.dataset.visibleIf), names);
  for (const mark of form.querySelectorAll('[data-required-if]')) mark.classList.toggle('required', evaluate(JSON.parse(mark.dataset.requiredIf), names));
}

function renumber(table) {
  const name = table.dataset.table;
  [...table.tBodies[0].rows].forEach((row, n) => {
    row.querySelector('[data-remove-row]').value = `${name}-${n}`;
    for (const control of controlsIn(row)) {
      const label = row.querySelector(`label[for="${control.id}"]`);
      const column = columnOf(control);
      control.name = `${name}-${n}-${column}`;
      control.id = `field-${name}-${n}-${column}`;
      if (label) { label.htmlFor = control.id; label.textContent = label.textContent.replace(/\d+$/, n + 1); }
    }
    for (const count of row.querySelectorAll('[data-remove-row] .visually-hidden')) count.textContent = ` ${n + 1}`;
  });
}

function wipe(row) {
  for (const control of controlsIn(row)) {
    control.value = '';
    control.classList.remove('is-invalid');
    control.removeAttribute('aria-invalid');
    control.removeAttribute('aria-describedby');
  }
  for (const left of row.querySelectorAll('.field-error, .form-text, .df-auto')) left.remove();
}

function addRow(table) {
  const row = table.tBodies[0].rows[table.tBodies[0].rows.length - 1].cloneNode(true);
  wipe(row);
  table.tBodies[0].append(row);
  renumber(table);
  const first = controlsIn(row)[0];
  if (first) first.focus();
}

function removeRow(row) {
  const table = row.closest('table');
  if (table.tBodies[0].rows.length === 1) wipe(row);
  else row.remove();
  renumber(table);
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
  showConditions(form);
  form.addEventListener('input', () => showConditions(form));
  form.addEventListener('click', event => {
    const add = event.target.closest('[data-add-row]');
    const remove = event.target.closest('[data-remove-row]');
    if (!add && !remove) return;
    event.preventDefault();
    if (add) addRow(form.querySelector(`[data-table="${add.dataset.addRow}"]`));
    else removeRow(remove.closest('tr'));
    form.dispatchEvent(new Event('input', { bubbles: true }));
  });
}
const summary = document.getElementById('error-summary');
if (summary) summary.focus();
