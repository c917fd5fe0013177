// Draws a matter's diagram with what was passed and what stands. The table below it says the same.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { addControls } from './diagrams/controls.js';
import { nameLanes } from './diagrams/lanes.js';
import { place } from './diagrams/place.js';

// Puts the names for the reader into what was parsed, before it is drawn: the file itself stays as it is.
function rename(definitions, names) {
  const walk = element => {
    const about = element.processRef || element;
    if (names[about.id]) element.name = names[about.id];
    for (const inner of [...(element.rootElements || []), ...(element.participants || []), ...(element.flowElements || [])]) walk(inner);
    for (const lanes of element.laneSets || []) (lanes.lanes || []).forEach(walk);
  };
  walk(definitions);
}

function badge(text, kind) {
  const mark = document.createElement('div');
  mark.className = kind;
  mark.textContent = text;
  return mark;
}

const box = document.getElementById('diagram');
if (box) {
  (async () => {
    const told = await (await fetch(box.dataset.url, { headers: { Accept: 'application/json' }, credentials: 'same-origin' })).json();
    const viewer = new NavigatedViewer({ container: box });
    viewer.on('import.parse.complete', ({ definitions }) => { if (definitions) rename(definitions, told.names); });
    await viewer.importXML(told.xml);
    const canvas = viewer.get('canvas');
    const registry = viewer.get('elementRegistry');
    const overlays = viewer.get('overlays');
    const stand = (element, who) => {
      canvas.addMarker(element, 'standing');
      overlays.add(element, { position: { bottom: -2, left: 0 }, html: badge(`● ${[...new Set(who)].join('、')}`, 'who-badge') });
    };
    for (const [id, rounds] of Object.entries(told.passed)) {
      const element = registry.get(id);
      if (!element) continue;
      canvas.addMarker(id, 'passed');
      // Not by colour alone: a tick, and how often where it was more than once.
      if (/Task$|Activity$|SubProcess$/.test(element.type)) {
        overlays.add(id, { position: { top: -9, right: 11 }, html: badge(rounds > 1 ? `✓${rounds}` : '✓', 'passed-badge') });
      }
    }
    for (const [id, names] of Object.entries(told.now)) if (registry.get(id)) stand(registry.get(id), names);
    // Work inside a called process shows on the activity that calls it, which leads to that process.
    const calling = registry.filter(element => (element.businessObject || {}).calledElement);
    for (const element of calling) {
      const inside = told.standing[element.businessObject.calledElement];
      if (inside) stand(element, inside);
    }
    const processes = document.querySelector('[data-process-select]');
    viewer.on('element.click', ({ element }) => {
      const called = (element.businessObject || {}).calledElement;
      if (!called || ![...processes.options].some(option => option.value === called)) return;
      processes.value = called;
      processes.form.submit();
    });
    const standing = Object.keys(told.now).map(id => registry.get(id)).find(Boolean)
      || calling.find(element => canvas.hasMarker(element, 'standing'));
    const about = standing || registry.filter(element => element.type === 'bpmn:StartEvent')[0];
    // A box that is not shown, as in print, has no size to fit into.
    if (box.offsetWidth) {
      place(viewer, about, 0.55, 0.8);
      nameLanes(viewer, box);
    }
    addControls(viewer, box.previousElementSibling, () => place(viewer, about, 9, 0.9));
    box.dataset.ready = 'true';
  })();
}
