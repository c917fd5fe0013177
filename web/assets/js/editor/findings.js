// What is wrong, asked of the server at every change and shown in words and on the elements.
import { button, el } from './dom.js';
import { say } from './words.js';

const VERDICTS = { lawful: '合法', unlawful: '不合法', unsound: '有缺陷', unsupported: '不能运行', undecided: '不能判定' };
// A command is a whole change already; this only gathers those that come together.
const WAIT = 25;
// An answer is usually there before anybody has read the old one; one that takes longer is said to be under way.
const SLOW = 600;
const AGAIN = 5000;

export function makeFindings(box, editor) {
  const { modeler } = editor;
  let timer = 0;
  let running = null;
  let marked = [];
  let first = true;
  let asked = 0;
  let slow = 0;

  function ask() {
    box.dataset.asked = String(asked += 1);
    clearTimeout(timer);
    timer = setTimeout(check, WAIT);
    slow = slow || setTimeout(() => verdict('', say('正在核对')), SLOW);
  }

  function verdict(kind, text) {
    const line = box.querySelector('.ed-verdict');
    line.dataset.verdict = kind;
    line.textContent = text;
  }

  async function check() {
    if (running) running.abort();
    const mine = new AbortController();
    running = mine;
    const begun = performance.now();
    const question = asked;
    try {
      const files = await editor.files();
      const answer = await editor.post(editor.urls.findings, { files, policy: editor.facts.policy }, mine.signal);
      if (!answer.ok) throw new Error(answer.status);
      const told = await answer.json();
      if (mine.signal.aborted) return;
      settled();
      show(told);
      box.dataset.milliseconds = Math.round(performance.now() - begun);
      box.dataset.answered = String(question);
      box.dataset.checked = String(Number(box.dataset.checked || 0) + 1);
    } catch (error) {
      if (mine.signal.aborted) return;
      settled();
      verdict('', say('核对不了，稍后再试'));
      timer = setTimeout(check, AGAIN);
    }
  }

  function settled() {
    clearTimeout(slow);
    slow = 0;
  }

  function clear() {
    const canvas = modeler.get('canvas');
    const registry = modeler.get('elementRegistry');
    modeler.get('overlays').remove({ type: 'finding' });
    for (const [id, mark] of marked) if (registry.get(id)) canvas.removeMarker(id, mark);
    marked = [];
  }

  function show(told) {
    clear();
    editor.told = told;
    const errors = told.findings.filter(finding => finding.severity === 'error');
    const warnings = told.findings.length - errors.length;
    verdict(told.verdict, [say(VERDICTS[told.verdict] || '不能判定'), errors.length ? `${errors.length} ${say('处问题')}` : say('没有发现问题'), warnings ? `${warnings} ${say('处提示')}` : ''].filter(Boolean).join(' · '));
    const list = box.querySelector('.ed-list');
    list.replaceChildren(...told.findings.map(row));
    onElements(told.findings);
    if (first) { first = false; box.dataset.ready = 'true'; }
  }

  function row(finding) {
    const choose = button(finding.name ? `${finding.name}:${finding.message}` : finding.message, () => editor.reveal(finding.element), { class: 'linklike ed-finding' });
    const way = finding.told.length > 1 ? el('span', { class: 'ed-way' }, finding.told.join(' → ')) : null;
    return el('li', { class: `ed-${finding.severity}`, 'data-rule': finding.rule, 'data-element': finding.element }, choose,
      finding.basis ? el('span', { class: 'ed-basis' }, finding.basis) : null, way,
      finding.steps.length > 1 ? button(say('演示这条路'), () => editor.play(finding), { class: 'btn btn-sm btn-outline-primary' }) : null);
  }

  function onElements(findings) {
    const byElement = new Map();
    for (const finding of findings) byElement.set(finding.element, [...(byElement.get(finding.element) || []), finding]);
    const canvas = modeler.get('canvas');
    for (const [id, own] of byElement) {
      const element = modeler.get('elementRegistry').get(id);
      if (!element || element === canvas.getRootElement()) continue;
      const mark = own.some(finding => finding.severity === 'error') ? 'has-error' : 'has-warning';
      canvas.addMarker(id, mark);
      marked.push([id, mark]);
      const badge = el('button', { type: 'button', class: `ed-badge ${mark}`, title: own.map(finding => finding.message).join('\n'), 'aria-label': own.map(finding => finding.message).join('。') }, String(own.length));
      badge.addEventListener('click', () => { const line = box.querySelector(`[data-element="${CSS.escape(id)}"] button`); if (line) line.focus(); });
      const position = element.waypoints ? middle(element) : { top: -10, right: 10 };
      modeler.get('overlays').add(id, 'finding', { position, html: badge });
    }
  }

  // Where half of a flow is gone, as seen from the corner that an overlay is placed by.
  function middle({ waypoints }) {
    const lengths = waypoints.slice(1).map((to, n) => Math.hypot(to.x - waypoints[n].x, to.y - waypoints[n].y));
    let left = lengths.reduce((sum, each) => sum + each, 0) / 2;
    const n = Math.max(0, lengths.findIndex(each => (left -= each) <= 0));
    const share = lengths[n] ? 1 + left / lengths[n] : 0;
    const at = axis => waypoints[n][axis] + (waypoints[n + 1][axis] - waypoints[n][axis]) * share;
    return { left: at('x') - Math.min(...waypoints.map(one => one.x)) - 9, top: at('y') - Math.min(...waypoints.map(one => one.y)) - 9 };
  }

  return { ask, show: () => { if (editor.told) show(editor.told); } };
}
