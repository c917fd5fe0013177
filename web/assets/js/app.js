// Behaviour of the desk. Everything works without it; with it, drafts keep themselves. Rows and conditions are in form.js.

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

for (const form of document.querySelectorAll('.task-form')) keepDrafts(form);

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
