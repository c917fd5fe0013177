// Keeps a draft by itself, a moment after the last change. Somebody else's save in between is told and nothing is lost.
import { button, el } from './dom.js';
import { say } from './words.js';

const WAIT = 1200;

export function makeStore(state, warning, editor) {
  let timer = 0;
  let changes = 0;
  let kept = 0;
  let stopped = false;
  let facts = {};
  let saving = Promise.resolve(true);

  const tell = (text, kind) => { state.textContent = text; state.dataset.state = kind; };

  function changed() {
    changes += 1;
    if (stopped) return;
    tell(say('有改动未保存'), 'dirty');
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
  }

  function fact(name, value) {
    facts[name] = value;
    changed();
  }

  // One after the other: two at once would both name the revision that only one of them finds, and meet as strangers.
  function save() {
    clearTimeout(timer);
    saving = saving.then(send);
    return saving;
  }

  async function send() {
    if (stopped || kept === changes) return !stopped;
    const now = changes;
    const sentFacts = facts;
    facts = {};
    tell(say('正在保存'), 'saving');
    try {
      const files = await editor.files();
      const answer = await editor.post(editor.urls.content, { revision: editor.revision, files, ...sentFacts });
      const told = await answer.json();
      if (answer.status === 409) { conflict(told); return false; }
      if (!answer.ok) throw new Error(told.detail || '');
      editor.revision = told.revision;
      editor.facts.forms = told.forms;
      kept = now;
      if (kept === changes) tell(`${say('已保存')} ${told.saved_at.slice(-5)} · ${say('修订')} ${told.revision}`, 'saved');
      return true;
    } catch (error) {
      facts = { ...sentFacts, ...facts };
      tell(`${say('没有保存成功，稍后再试')} ${error.message || ''}`, 'failed');
      timer = setTimeout(save, 5000);
      return false;
    }
  }

  function conflict(told) {
    stopped = true;
    tell(say('有改动未保存'), 'conflict');
    const keep = async () => {
      const answer = await editor.post(editor.urls.copy, { files: await editor.files(), ...facts });
      kept = changes;
      window.location.href = (await answer.json()).url;
    };
    warning.hidden = false;
    warning.replaceChildren(el('p', {}, told.conflict), el('div', { class: 'actions' },
      button(say('把我的修改另存为新草案'), keep, { class: 'btn btn-primary' }),
      button(say('载入对方保存的内容'), () => { kept = changes; window.location.reload(); }, { class: 'btn btn-outline-primary' })));
    warning.focus();
  }

  window.addEventListener('beforeunload', event => { if (kept !== changes && editor.mayEdit) event.preventDefault(); });
  return { changed, fact, save };
}
