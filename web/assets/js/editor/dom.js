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

const controls = box => [...box.querySelectorAll('input, select, textarea, button, a')];

// Draws `box` anew once the browser has moved the focus, and puts the focus back where it was: whoever presses Tab after
// a word finds the next field, not the top of the page. A word being composed is never interrupted.
export function redrawLater(box, draw, wait = 0) {
  clearTimeout(box.redrawing);
  box.redrawing = setTimeout(() => {
    // Words under way are not written yet: they would be lost with their field.
    if (box.composing || box.typing) { redrawLater(box, draw, 150); return; }
    const at = controls(box).indexOf(document.activeElement);
    const selection = at >= 0 && document.activeElement.select ? [document.activeElement.selectionStart, document.activeElement.selectionEnd] : null;
    draw();
    if (at < 0) return;
    const now = controls(box)[Math.min(at, controls(box).length - 1)];
    if (!now) return;
    now.focus({ preventScroll: true });
    if (selection && now.setSelectionRange && ['text', 'textarea'].includes(now.type)) now.setSelectionRange(...selection);
  }, wait);
}

// Notes in `box` whether a change comes from one of its own controls, and whether words are under way.
export function watch(box) {
  box.addEventListener('change', () => { box.own = true; box.typing = false; }, true);
  box.addEventListener('input', event => { box.typing = event.target.matches('input[type=text], textarea'); });
  box.addEventListener('change', () => { box.own = false; });
  box.addEventListener('compositionstart', () => { box.composing = true; });
  box.addEventListener('compositionend', () => { box.composing = false; });
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
