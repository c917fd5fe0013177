// Behaviour of the desk. Everything works without it; with it, drafts keep themselves. Rows and conditions are in form.js.

// --- drafts --------------------------------------------------------------------------------------------
function keepDrafts(form) {
  const url = form.dataset.draftUrl;
  const state = form.querySelector('.draft-state');
  if (!url || !state) return;
  let waiting = null;
  let typed = 0; // counts changes: a save that began before the latest one has not kept it
  let kept = 0;
  let sending = false;
  let newer = false; // another window has saved something else: this page no longer saves by itself
  const seen = form.querySelector('[data-draft-seen]');
  const say = (text, wrong) => { state.textContent = text; state.classList.toggle('text-danger', wrong); };
  const send = leaving => {
    const data = new FormData(form);
    // What is under way from here has not told its moment yet: it is no other window's.
    if (leaving && sending) data.delete('_seen');
    for (const [name, value] of [...data.entries()]) if (value instanceof File || name === '_password') data.delete(name);
    return fetch(url, { method: 'POST', body: data, headers: { Accept: 'application/json' }, credentials: 'same-origin', keepalive: leaving });
  };
  const save = async () => {
    if (sending) { waiting = setTimeout(save, 400); return; }
    const now = typed;
    sending = true;
    try {
      const answer = await send(false);
      const said = await answer.json();
      newer = answer.status === 409;
      if (newer) say(said.detail, true);
      else if (!answer.ok) say(answer.status === 401 ? state.dataset.endedLabel : said.detail, true);
      if (!said.saved) return;
      seen.value = said.at;
      kept = now;
      const time = new Date();
      say(`${state.dataset.savedLabel} ${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`, false);
      if (kept === typed) form.dataset.kept = 'true';
    } catch (error) { // offline: the page keeps what was typed and tries again at the next change
      say(state.dataset.unsavedLabel, true);
    } finally { sending = false; }
  };
  form.addEventListener('input', () => {
    typed += 1;
    delete form.dataset.kept;
    clearTimeout(waiting);
    if (!newer) waiting = setTimeout(save, 1200);
  });
  form.addEventListener('submit', () => { kept = typed; clearTimeout(waiting); if (sending) seen.disabled = true; });
  // Whoever leaves in the middle of a word keeps it.
  window.addEventListener('pagehide', () => { if (kept !== typed && !newer) send(true); });
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
  // With the keyboard one walks through the choices; the button beside them goes.
  let keys = false;
  select.addEventListener('keydown', () => { keys = true; });
  select.addEventListener('pointerdown', () => { keys = false; });
  select.addEventListener('change', () => { if (!keys) select.form.submit(); });
}
for (const all of document.querySelectorAll('[data-check-all]')) {
  const boxes = () => [...all.closest('form').querySelectorAll(`tbody [name="${all.dataset.checkAll}"][type=checkbox]`)];
  all.hidden = false;
  all.addEventListener('change', () => { for (const box of boxes()) box.checked = all.checked; });
  all.closest('form').addEventListener('change', () => { all.checked = boxes().every(box => box.checked); });
}
// On a phone the menu and what stands beside a form start folded.
if (window.matchMedia('(max-width: 767px)').matches) {
  for (const part of document.querySelectorAll('details.menu, details.folded')) part.open = false;
}
// The line of steps is wider than a phone: show the one in hand.
const inHand = document.querySelector('.step-now');
if (inHand) inHand.parentElement.scrollLeft = inHand.offsetLeft - inHand.parentElement.offsetLeft - 40;
// How many notices are unread: asked when the page is there, then once a minute while it is looked at.
const unread = document.querySelector('[data-unread]');
if (unread) {
  const badge = unread.querySelector('.badge-n');
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(unread.dataset.unread, { credentials: 'same-origin', headers: { Accept: 'application/json' } });
      if (!answer.ok || answer.redirected) return;
      const { unread: count } = await answer.json();
      badge.hidden = !count;
      badge.textContent = count > 99 ? '99+' : String(count);
    } catch (error) { /* offline: the badge stays as it is */ }
  };
  ask();
  setInterval(ask, 60000);
}
