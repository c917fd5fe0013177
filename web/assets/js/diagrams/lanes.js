// Keeps the names of the lanes at the left edge while their own labels are out of sight.
export function nameLanes(viewer, box) {
  const lanes = viewer.get('elementRegistry').filter(element => element.type === 'bpmn:Lane' && !(element.children || []).some(child => child.type === 'bpmn:Lane'));
  if (!lanes.length) return;
  const edge = document.createElement('div');
  edge.className = 'lane-names';
  edge.setAttribute('aria-hidden', 'true');
  const names = lanes.map(lane => {
    const name = document.createElement('span');
    name.textContent = (lane.businessObject || {}).name || '';
    edge.append(name);
    return { lane, name };
  });
  box.append(edge);
  const canvas = viewer.get('canvas');
  const follow = () => {
    const seen = canvas.viewbox();
    for (const { lane, name } of names) {
      const top = Math.max(0, (lane.y - seen.y) * seen.scale);
      const end = Math.min(seen.height * seen.scale, (lane.y + lane.height - seen.y) * seen.scale);
      name.hidden = seen.x < lane.x + 10 || end - top < 18;
      name.style.top = `${top + 2}px`;
    }
  };
  viewer.on('canvas.viewbox.changed', follow);
  follow();
}
