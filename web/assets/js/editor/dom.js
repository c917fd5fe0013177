// Small helpers to build plain DOM. Fields commit on `change`, never while a word is being composed.
let counter = 0;

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else if (name === 'value') node.value = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}

export function labelled(label, control, help = '') {
  counter += 1;
  control.id = control.id || `ed-field-${counter}`;
  return el('div', { class: 'ed-field' }, el('label', { for: control.id }, label), control, help ? el('p', { class: 'form-text' }, help) : null);
}

export function input(value, commit, attributes = {}) {
  const control = el('input', { class: 'form-control form-control-sm', type: 'text', ...attributes });
  control.value = value || '';
  control.addEventListener('change', () => commit(control.value.trim()));
  control.addEventListener('keydown', event => { if (event.key === 'Enter' && !event.isComposing) control.blur(); });
  return control;
}

export function area(value, commit) {
  const control = el('textarea', { class: 'form-control form-control-sm', rows: 2 });
  control.value = value || '';
  control.addEventListener('change', () => commit(control.value.trim()));
  return control;
}

// `choices` are [value, label]; a value that is not among them is kept and shown as it stands.
export function select(value, choices, commit, empty = null, attributes = {}) {
  const control = el('select', { class: 'form-select form-select-sm', ...attributes });
  if (empty !== null) control.append(el('option', { value: '' }, empty));
  for (const [key, label] of choices) control.append(el('option', { value: key }, label));
  if (value && !choices.some(([key]) => key === value)) control.append(el('option', { value }, value));
  control.value = value || '';
  control.addEventListener('change', () => commit(control.value));
  return control;
}

export function button(label, act, attributes = {}) {
  return el('button', { type: 'button', class: 'btn btn-sm btn-outline-secondary', ...attributes, onclick: act }, label);
}
