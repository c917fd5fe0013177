// Draws diagrams of procedures to be looked at: a version, two versions side by side, a walk-through.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

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
  canvas.zoom('fit-viewport', 'auto');
  if (canvas.zoom() < 0.45) {
    // A long procedure would be unreadable as a whole: show it at reading size, at what the page is about.
    const about = registry.get(Object.keys(standing)[0]) || registry.filter(element => ['changed', 'added', 'removed'].some(name => canvas.hasMarker(element, name)) && !element.waypoints)[0]
      || registry.filter(element => element.type === 'bpmn:StartEvent')[0];
    canvas.zoom(0.75);
    if (about) {
      const view = canvas.viewbox();
      canvas.viewbox({ x: about.x + about.width / 2 - view.width / 2, y: about.y + about.height / 2 - view.height / 2, width: view.width, height: view.height });
    }
  }
  box.dataset.ready = 'true';
}

for (const box of document.querySelectorAll('[data-diagram]')) draw(box);
