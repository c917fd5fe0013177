// Behaviour of the desk. Everything works without it; with it, rows, conditions and drafts are smoother.

// --- conditions: [operator, ...arguments], the same tree that the server checks again -------------------
function evaluate(tree, names) {
  const [kind, ...parts] = tree;
  const value = index => evaluate(parts[index], names);
  switch (kind) {
    case 'value': return parts[0];
    case 'name': return names(parts[0]);
    case 'list': return parts.map(part => evaluate(part, names));
    case 'and': return parts.every(part => evaluate(part, names));
    case 'or': return parts.some(part => evaluate(part, names));
    case 'not': return !value(0);
    case '==': return value(0) === value(1);
    case '!=': return value(0) !== value(1);
    case '<': return value(0) < value(1);
    case '<=': return value(0) <= value(1);
    case '>': return value(0) > value(1);
    case '>=': return value(0) >= value(1);
    case 'in': return (value(1) || []).includes(value(0));
    case 'empty': { const v = value(0); return v === null || v === '' || (Array.isArray(v) && !v.length); }
    case 'exists': return !evaluate(['empty', parts[0]], names);
    case 'len': return (value(0) || []).length;
    default: return true;
  }
}

function answer(form, name) {
  const table = form.querySelector(`[data-table="${name}"]`);
  if (table) return [...table.tBodies[0].rows].filter(row => [...row.querySelectorAll('input,select,textarea')].some(c => c.value));
  const boxes = form.querySelectorAll(`input[type=checkbox][name="${name}"]`);
  if (boxes.length) return [...boxes].filter(box => box.checked).map(box => box.value);
  const control = form.elements[name];
  if (!control) return null;
  const text = control.value;
  if (text === 'true' || text === 'false') return text === 'true';
  return text === '' ? null : text;
}

function showConditions(form) {
  for (const field of form.querySelectorAll('[data-visible-if]')) {
    if (field.dataset.visibleIf) field.hidden = !evaluate(JSON.parse(field.dataset.visibleIf), name => answer(form, name));
  }
}

// --- repeatable rows -----------------------------------------------------------------------------------
function renumber(table) {
  const name = table.dataset.table;
  [...table.tBodies[0].rows].forEach((row, n) => {
    for (const control of row.querySelectorAll('[name]')) {
      if (control.name === '_remove') { control.value = `${name}-${n}`; continue; }
      const column = control.name.replace(/^.*-\d+-/, '');
      const label = row.querySelector(`label[for="${control.id}"]`);
      control.name = `${name}-${n}-${column}`;
      control.id = `field-${name}-${n}-${column}`;
      if (label) { label.htmlFor = control.id; label.textContent = label.textContent.replace(/\d+$/, n + 1); }
    }
  });
}

function addRow(table) {
  const body = table.tBodies[0];
  const row = body.rows[body.rows.length - 1].cloneNode(true);
  for (const control of row.querySelectorAll('input,select,textarea')) { control.value = ''; control.classList.remove('is-invalid'); }
  for (const error of row.querySelectorAll('.field-error')) error.remove();
  body.append(row);
  renumber(table);
  const first = row.querySelector('input,select,textarea');
  if (first) first.focus();
}

function removeRow(row) {
  const table = row.closest('table');
  if (table.tBodies[0].rows.length === 1) for (const control of row.querySelectorAll('input,select,textarea')) control.value = '';
  else row.remove();
  renumber(table);
}

// --- drafts --------------------------------------------------------------------------------------------
function keepDrafts(form) {
  const url = form.dataset.draftUrl;
  const state = form.querySelector('.draft-state');
  if (!url || !state) return;
  let waiting = null;
  let dirty = false;
  const save = async () => {
    waiting = null;
    const data = new FormData(form);
    for (const [name, value] of [...data.entries()]) if (value instanceof File || name === '_password') data.delete(name);
    try {
      const answerOf = await fetch(url, { method: 'POST', body: data, headers: { Accept: 'application/json' }, credentials: 'same-origin' });
      if (!answerOf.ok) return;
      const told = await answerOf.json();
      dirty = !told.saved;
      const now = new Date();
      state.textContent = told.saved
        ? `${state.dataset.savedLabel} ${String(now.getHours()).padStart(2, '0')}:${String(now.getMinutes()).padStart(2, '0')}`
        : state.dataset.unsavedLabel;
    } catch (error) { /* offline: the page keeps what was typed and tries again at the next change */ }
  };
  form.addEventListener('input', () => { dirty = true; clearTimeout(waiting); waiting = setTimeout(save, 1200); });
  form.addEventListener('submit', () => { dirty = false; clearTimeout(waiting); });
  window.addEventListener('beforeunload', event => { if (dirty) { event.preventDefault(); event.returnValue = ''; } });
}

for (const form of document.querySelectorAll('.task-form')) {
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
  keepDrafts(form);
}
const summary = document.getElementById('error-summary');
if (summary) summary.focus();

for (const button of document.querySelectorAll('[data-fill-user]')) {
  button.addEventListener('click', () => {
    document.getElementById('username').value = button.dataset.fillUser;
    document.getElementById('password').value = button.dataset.fillPassword;
    document.getElementById('password').focus();
  });
}
for (const select of document.querySelectorAll('[data-process-select]')) {
  select.addEventListener('change', () => select.form.submit());
}
// On a phone the menu starts folded.
if (window.matchMedia('(max-width: 767px)').matches) {
  for (const menu of document.querySelectorAll('details.menu')) menu.open = false;
}
