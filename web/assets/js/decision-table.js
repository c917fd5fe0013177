// Edits one decision table. Its bundle is heavy, so it is a page of its own and loaded only when a table is opened.
import Modeler from 'dmn-js/lib/Modeler';
import { translate } from './editor/table-words.js';
import { say } from './editor/words.js';

const box = document.getElementById('decision-table');
const token = document.querySelector('meta[name="csrf-token"]').content;

async function open() {
  const part = name => box.querySelector(`[data-part="${name}"]`);
  const words = { translate: ['value', translate] };
  const modeler = new Modeler({
    container: part('canvas'),
    drd: { additionalModules: [words] }, decisionTable: { additionalModules: [words] }, literalExpression: { additionalModules: [words] },
  });
  let revision = Number(box.dataset.revision);
  let waiting = 0;
  let asked = 0;
  const post = (url, body) => fetch(url, {
    method: 'POST', body: JSON.stringify(body), credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token },
  });

  function show(findings) {
    const list = part('findings');
    list.replaceChildren(...(findings.length ? findings : [{ message: box.dataset.noneLabel, severity: 'none', element: '' }]).map(finding => {
      const line = document.createElement('li');
      line.className = `ed-${finding.severity}`;
      line.dataset.element = finding.element;
      line.textContent = finding.message;
      return line;
    }));
    const marked = new Set(findings.filter(finding => finding.severity === 'error').map(finding => finding.element));
    for (const cell of box.querySelectorAll('[data-element-id]')) cell.classList.toggle('cell-error', marked.has(cell.dataset.elementId));
    box.dataset.checked = String(Number(box.dataset.checked || 0) + 1);
  }

  async function check() {
    const question = asked += 1;
    const { xml } = await modeler.saveXML({ format: true });
    const answer = await post(box.dataset.findings, { xml });
    const told = await answer.json();
    // An older answer may come after a newer one.
    if (answer.ok && question === asked) show(told.findings);
  }

  const told = await (await fetch(box.dataset.content, { headers: { Accept: 'application/json' }, credentials: 'same-origin' })).json();
  await modeler.importXML(told.xml);
  const view = modeler.getViews().find(one => one.type === 'decisionTable');
  if (view) await modeler.open(view);
  const viewer = modeler.getActiveViewer();
  viewer.on('commandStack.changed', () => { clearTimeout(waiting); waiting = setTimeout(check, 150); });
  show(told.findings);
  if (part('save')) {
    part('save').addEventListener('click', async () => {
      const { xml } = await modeler.saveXML({ format: true });
      const answer = await post(box.dataset.save, { revision, xml });
      const saved = await answer.json();
      if (!answer.ok) { part('state').textContent = saved.error; return; }
      revision = saved.revision;
      asked += 1;
      part('state').textContent = `${box.dataset.savedLabel} · ${say('修订')} ${revision}`;
      show(saved.findings);
    });
  }
  box.dataset.ready = 'true';
}

if (box) open();
