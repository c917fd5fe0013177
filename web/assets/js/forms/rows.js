// The rows of a table in a form: added, removed, moved up; their names and labels always count from the first.
export const controlsIn = row => [...row.querySelectorAll('input,select,textarea')].filter(control => !control.dataset.filter);
export const columnOf = control => control.name.replace(/^.*-\d+-/, '');

function renumber(table, from = 0) {
  const name = table.dataset.table;
  [...table.tBodies[0].rows].slice(from).forEach((row, index) => {
    const n = from + index;
    for (const button of row.querySelectorAll('[data-remove-row], [data-raise-row]')) button.value = `${name}-${n}`;
    for (const control of controlsIn(row)) {
      const label = row.querySelector(`label[for="${control.id}"]`);
      const column = columnOf(control);
      control.name = `${name}-${n}-${column}`;
      control.id = `field-${name}-${n}-${column}`;
      if (label) { label.htmlFor = control.id; label.textContent = label.textContent.replace(/\d+$/, n + 1); }
    }
    for (const count of row.querySelectorAll('.df-row-action .visually-hidden')) count.textContent = ` ${n + 1}`;
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
  renumber(table, table.tBodies[0].rows.length - 1);
  const first = controlsIn(row)[0];
  if (first) first.focus();
}

function removeRow(row) {
  const table = row.closest('table');
  const at = row.sectionRowIndex;
  if (table.tBodies[0].rows.length === 1) wipe(row);
  else row.remove();
  renumber(table, at);
  // The focus goes to what now stands there, so that the keyboard does not begin at the top again.
  const next = table.tBodies[0].rows[Math.min(at, table.tBodies[0].rows.length - 1)];
  next.querySelector('[data-remove-row]').focus();
}

function raiseRow(row) {
  const before = row.previousElementSibling;
  if (!before) return;
  before.before(row);
  renumber(row.closest('table'), row.sectionRowIndex);
  row.querySelector(row.previousElementSibling ? '[data-raise-row]' : '[data-remove-row]').focus();
}

// Does what the pressed button of a table says; returns whether there was one.
export function actOnRow(form, pressed) {
  const of = name => pressed.closest(`[data-${name}-row]`);
  const [add, remove, raise] = ['add', 'remove', 'raise'].map(of);
  if (add) addRow(form.querySelector(`[data-table="${add.dataset.addRow}"]`));
  else if (remove) removeRow(remove.closest('tr'));
  else if (raise) raiseRow(raise.closest('tr'));
  return Boolean(add || remove || raise);
}
