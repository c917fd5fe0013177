// The steps as a table: the same model by keyboard alone. Every change goes through the same commands as the drawing.
import { button, el, input, redrawLater, select, watch } from './dom.js';
import * as model from './model.js';
import { say } from './words.js';

const GAP = 160;
const KINDS = {
  'bpmn:UserTask': '人工任务', 'bpmn:ServiceTask': '系统办理', 'bpmn:BusinessRuleTask': '规则判定', 'bpmn:CallActivity': '调用流程', 'bpmn:SubProcess': '子流程',
  'bpmn:StartEvent': '开始', 'bpmn:EndEvent': '结束', 'bpmn:IntermediateCatchEvent': '等待', 'bpmn:BoundaryEvent': '边界事件',
};
export const kindOf = element => KINDS[element.type] || (model.is(element, 'bpmn:Gateway') ? '网关' : '');
const flows = list => list.filter(entry => entry.type === 'bpmn:SequenceFlow');

const following = element => flows(element.outgoing).map(flow => [model.thing(flow).name, model.thing(flow.target).name || flow.target.id].filter(Boolean).join(':')).join('、');

export function makeSteps(box, editor) {
  const { modeler, facts } = editor;

  // In the order of the flow, from the starts; what nothing leads to comes last.
  function inOrder() {
    const nodes = modeler.get('elementRegistry').filter(element => element.type !== 'label' && model.is(element, 'bpmn:FlowNode'));
    const seen = new Set();
    const found = [];
    const visit = element => {
      const queue = [element];
      while (queue.length) {
        const next = queue.shift();
        if (seen.has(next.id)) continue;
        seen.add(next.id);
        found.push(next);
        queue.push(...flows(next.outgoing).map(flow => flow.target), ...(next.attachers || []));
      }
    };
    nodes.filter(element => element.type === 'bpmn:StartEvent').forEach(visit);
    nodes.forEach(visit);
    return found;
  }

  function draw(focus = null) {
    const rows = inOrder().map(row);
    box.querySelector('tbody').replaceChildren(...rows);
    if (!editor.mayEdit) for (const control of box.querySelectorAll('tbody input, tbody select, tbody button:not(.ed-find)')) control.disabled = true;
    if (focus) {
      const control = box.querySelector(`[data-row="${CSS.escape(focus.id)}"] ${focus.on || 'input'}`);
      if (control) { control.focus(); if (control.select) control.select(); }
    }
  }

  function row(element) {
    const of = model.thing(element);
    const name = of.name || of.id;
    const user = model.is(element, 'bpmn:UserTask');
    const kind = kindOf(element);
    const set = (attribute, value) => model.setAttribute(modeler, element, { [attribute]: value || undefined });
    const cell = (label, content) => el('td', { 'data-label': say(label) }, content);
    const actions = [
      element.type === 'bpmn:EndEvent' ? null : button(say('在后面加一步'), () => addAfter(element), { 'aria-label': `${say('在后面加一步')}${say('：')}${name}`, 'data-act': 'add' }),
      user ? button('↑', () => swap(element, -1), { 'aria-label': `${say('上移')}${say('：')}${name}`, title: say('上移'), 'data-act': 'up', disabled: !neighbour(element, -1) }) : null,
      user ? button('↓', () => swap(element, 1), { 'aria-label': `${say('下移')}${say('：')}${name}`, title: say('下移'), 'data-act': 'down', disabled: !neighbour(element, 1) }) : null,
      element.type === 'bpmn:StartEvent' ? null : button(say('删除'), () => remove(element), { 'aria-label': `${say('删除')}${say('：')}${name}`, 'data-act': 'delete' }),
      button('◎', () => editor.reveal(element.id), { 'aria-label': `${say('在图上找到')}${say('：')}${name}`, title: say('在图上找到'), class: 'btn btn-sm btn-outline-secondary ed-find' }),
    ];
    return el('tr', { 'data-row': element.id },
      cell('环节', input(of.name, value => set('name', value), { 'aria-label': `${say('名称')}${say('：')}${name}` })),
      cell('类型', say(kind)),
      cell('岗位角色', user ? select(of.get('camunda:candidateGroups'), facts.roles, value => set('camunda:candidateGroups', value), say('请选择'), { 'aria-label': `${say('岗位角色')}${say('：')}${name}` }) : ''),
      cell('法定环节', user || model.is(element, 'bpmn:CallActivity') ? select(model.property(element, 'step'), facts.steps, value => model.setProperty(modeler, element, 'step', value), say('无'), { 'aria-label': `${say('法定环节')}${say('：')}${name}` }) : ''),
      cell('表单', user ? select(of.get('camunda:formKey'), facts.forms.map(form => [form.id, `${form.id} ${form.title}`]), value => set('camunda:formKey', value), say('请选择'), { 'aria-label': `${say('表单')}${say('：')}${name}` }) : ''),
      cell('下一步', following(element)),
      cell('操作', el('div', { class: 'ed-acts' }, actions)));
  }

  function addAfter(element) {
    const modeling = modeler.get('modeling');
    const shape = modeler.get('elementFactory').createShape({ type: 'bpmn:UserTask' });
    model.thing(shape).name = say('新环节');
    const way = flows(element.outgoing)[0];
    let made = null;
    modeler.together(() => {
      const at = { x: element.x + element.width / 2 + GAP, y: element.y + element.height / 2 };
      if (!way) { made = modeling.appendShape(element, shape, at, element.parent); return; }
      const target = way.target;
      makeRoom(element);
      modeling.reconnectEnd(way, made = modeling.createShape(shape, at, element.parent), { x: at.x - 50, y: at.y });
      modeling.connect(made, target, { type: 'bpmn:SequenceFlow' });
      modeling.layoutConnection(way);
    });
    draw({ id: made.id });
  }

  // Everything to the right in the same row moves on by one step.
  function makeRoom(element) {
    const edge = element.x + element.width;
    const middle = element.y + element.height / 2;
    const right = modeler.get('elementRegistry').filter(other => !other.waypoints && other.type !== 'label' && other.parent === element.parent && !other.host
      && model.is(other, 'bpmn:FlowNode') && other.x >= edge && Math.abs(other.y + other.height / 2 - middle) < 160);
    if (right.some(other => other.x < edge + GAP - 60)) modeler.get('modeling').moveElements(right, { x: GAP, y: 0 });
  }

  function remove(element) {
    const order = inOrder();
    const at = order.indexOf(element);
    const before = order[at - 1] || order[at + 1];
    modeler.get('modeling').removeElements([element]);
    draw(before ? { id: before.id } : null);
  }

  // The task before or behind in a plain chain: the only one of which the order can be changed without a thought.
  function neighbour(element, direction) {
    const [first, second] = direction < 0 ? [flows(element.incoming), 'source'] : [flows(element.outgoing), 'target'];
    if (first.length !== 1) return null;
    const other = first[0][second];
    const plain = one => flows(one.incoming).length === 1 && flows(one.outgoing).length === 1;
    return model.is(other, 'bpmn:UserTask') && plain(other) && plain(element) && !(other.attachers || []).length && !(element.attachers || []).length ? other : null;
  }

  function swap(element, direction) {
    const other = neighbour(element, direction);
    if (!other) return;
    const [first, second] = direction < 0 ? [other, element] : [element, other];
    const modeling = modeler.get('modeling');
    const [into, between, out] = [flows(first.incoming)[0], flows(first.outgoing)[0], flows(second.outgoing)[0]];
    modeler.together(() => {
      const delta = { x: second.x - first.x, y: second.y - first.y };
      modeling.moveShape(first, delta);
      modeling.moveShape(second, { x: -delta.x, y: -delta.y });
      modeling.reconnectEnd(into, second, middle(second));
      modeling.reconnectStart(out, first, middle(first));
      modeling.reconnect(between, second, first, [middle(second), middle(first)]);
      for (const flow of [into, between, out]) modeling.layoutConnection(flow);
    });
    draw({ id: element.id, on: `[data-act="${direction < 0 ? 'up' : 'down'}"]` });
  }

  const middle = shape => ({ x: shape.x + shape.width / 2, y: shape.y + shape.height / 2 });

  function changed() {
    if (box.hidden) return;
    if (!box.own) { redrawLater(box, () => draw()); return; }
    // What was typed here stands here already; only the names of what follows may have changed.
    for (const line of box.querySelectorAll('[data-row]')) {
      const element = modeler.get('elementRegistry').get(line.dataset.row);
      if (element) line.cells[5].textContent = following(element);
    }
  }

  watch(box);
  // The panel shows the step that is being edited.
  box.addEventListener('focusin', event => {
    const line = event.target.closest('[data-row]');
    const element = line && modeler.get('elementRegistry').get(line.dataset.row);
    if (element && !modeler.get('selection').isSelected(element)) modeler.get('selection').select(element);
  });
  box.addEventListener('keydown', event => {
    if (!event.altKey || !['ArrowUp', 'ArrowDown'].includes(event.key)) return;
    const line = event.target.closest('[data-row]');
    const element = line && modeler.get('elementRegistry').get(line.dataset.row);
    if (!element) return;
    event.preventDefault();
    if (event.target.blur) event.target.blur();
    swap(element, event.key === 'ArrowUp' ? -1 : 1);
  });
  return { draw, changed };
}
