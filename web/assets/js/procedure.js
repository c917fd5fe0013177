// Draws diagrams of procedures to be looked at: a version, two versions side by side, a walk-through.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { place } from './diagrams/place.js';

const listed = (box, name) => JSON.parse(box.dataset[name] || '[]');

async function draw(box) {
  const told = await (await fetch(box.dataset.diagram, { headers: { Accept: 'application/json' }, credentials: 'same-origin' })).json();
  const viewer = new NavigatedViewer({ container: box });
  await viewer.importXML(told.xml);
  const canvas = viewer.get('canvas');
  const registry = viewer.get('elementRegistry');
  const mark = (ids, name) => ids.filter(id => registry.get(id)).forEach(id => canvas.addMarker(id, name));
  mark(listed(box, 'passed'), 'passed');
  const standing = JSON.parse(box.dataset.standing || '{}');
  for (const [id, who] of Object.entries(standing)) {
    if (!registry.get(id)) continue;
    canvas.addMarker(id, 'standing');
    const badge = document.createElement('div');
    badge.className = 'who-badge';
    badge.textContent = `● ${who}`;
    viewer.get('overlays').add(id, { position: { bottom: -2, left: 0 }, html: badge });
  }
  const sides = box.closest('.compare');
  if (sides) {
    mark(listed(sides, 'changed'), 'changed');
    mark(listed(sides, box.dataset.side === 'old' ? 'removed' : 'added'), box.dataset.side === 'old' ? 'removed' : 'added');
  }
  const marked = registry.filter(element => ['changed', 'added', 'removed'].some(name => canvas.hasMarker(element, name)));
  const about = registry.get(Object.keys(standing)[0]) || marked.find(element => !element.waypoints) || (marked[0] && marked[0].target)
    || registry.filter(element => element.type === 'bpmn:StartEvent')[0];
  place(viewer, about, 0.45, 0.75);
  box.dataset.ready = 'true';
}

for (const box of document.querySelectorAll('[data-diagram]')) draw(box);
