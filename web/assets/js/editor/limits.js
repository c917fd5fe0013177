// What may be drawn: the parts of BPMN that the engine runs. The server refuses the rest all the same.
const REPLACEMENTS = new Set([
  'replace-with-user-task', 'replace-with-service-task', 'replace-with-rule-task', 'replace-with-call-activity', 'replace-with-expanded-subprocess',
  'replace-with-exclusive-gateway', 'replace-with-parallel-gateway', 'replace-with-inclusive-gateway', 'replace-with-none-start', 'replace-with-none-end',
  'replace-with-terminate-end', 'replace-with-timer-intermediate-catch', 'replace-with-signal-intermediate-catch', 'replace-with-timer-boundary',
  'replace-with-non-interrupting-timer-boundary', 'replace-with-signal-boundary', 'replace-with-sequence-flow', 'replace-with-default-flow', 'replace-with-conditional-flow',
]);
const PALETTE = new Set([
  'hand-tool', 'lasso-tool', 'space-tool', 'global-connect-tool', 'tool-separator', 'create.start-event', 'create.end-event', 'create.exclusive-gateway',
  'create.subprocess-expanded',
]);
const CONTEXT = new Set([
  'append.end-event', 'append.gateway', 'append.text-annotation', 'replace', 'connect', 'delete', 'lane-insert-above', 'lane-insert-below',
  'lane-divide-two', 'lane-divide-three', 'align-elements', 'distribute-elements',
]);
const TIMER = { type: 'bpmn:IntermediateCatchEvent', eventDefinitionType: 'bpmn:TimerEventDefinition' };
const TASK = { type: 'bpmn:UserTask' };
const kept = (entries, wanted) => Object.fromEntries(Object.entries(entries).filter(([name]) => wanted.has(name)));

const ROOM = 50;

// A step let fall on a flow between two others gets room: what follows in its row moves on.
class Room {
  constructor(eventBus, elementRegistry, modeling) {
    eventBus.on('commandStack.shape.create.postExecuted', 100, ({ context }) => {
      const { shape, targetFlow } = context;
      if (!targetFlow || !shape.incoming.length || !shape.outgoing.length) return;
      const [before, after] = [shape.incoming[0].source, shape.outgoing[0].target];
      const middle = one => one.y + one.height / 2;
      if (Math.abs(middle(before) - middle(shape)) > 60 || Math.abs(middle(after) - middle(shape)) > 60 || after.x < before.x) return;
      const left = Math.max(0, before.x + before.width + ROOM - shape.x);
      const right = Math.max(0, shape.x + left + shape.width + ROOM - after.x);
      const following = elementRegistry.filter(one => one !== shape && !one.waypoints && one.type !== 'label' && one.parent === shape.parent && !one.host && one.x >= after.x && Math.abs(middle(one) - middle(shape)) < 160);
      if (right) modeling.moveElements(following, { x: right, y: 0 });
      const straight = (from, to) => [{ x: from.x + from.width, y: middle(from) }, { x: to.x, y: middle(from) }];
      if (left || middle(before) !== middle(shape)) modeling.moveElements([shape], { x: left, y: middle(before) - middle(shape) });
      modeling.updateWaypoints(shape.incoming[0], straight(before, shape));
      if (middle(after) === middle(shape)) modeling.updateWaypoints(shape.outgoing[0], straight(shape, after));
    });
  }
}
Room.$inject = ['eventBus', 'elementRegistry', 'modeling'];

class Limits {
  constructor(palette, contextPad, popupMenu, create, elementFactory, autoPlace, translate) {
    this.offer = (told, group, className, title) => {
      const start = event => create.start(event, elementFactory.createShape(told));
      return { group, className, title: translate(title), action: { dragstart: start, click: start } };
    };
    this.append = (told, className, title) => ({
      group: 'model', className, title: translate(title),
      action: {
        click: (event, element) => autoPlace.append(element, elementFactory.createShape(told)),
        dragstart: (event, element) => create.start(event, elementFactory.createShape(told), { source: element }),
      },
    });
    palette.registerProvider(500, this);
    contextPad.registerProvider(500, this);
    popupMenu.registerProvider('bpmn-replace', 500, this);
  }

  getPaletteEntries() {
    return entries => ({
      ...kept(entries, PALETTE),
      'create.user-task': this.offer(TASK, 'activity', 'bpmn-icon-user-task', 'Create user task'),
      'create.timer': this.offer(TIMER, 'event', 'bpmn-icon-intermediate-event-catch-timer', 'Create timer'),
      'create.annotation': this.offer({ type: 'bpmn:TextAnnotation' }, 'artifact', 'bpmn-icon-text-annotation', 'Create text annotation'),
    });
  }

  getContextPadEntries() {
    return entries => ('append.append-task' in entries ? {
      'append.user-task': this.append(TASK, 'bpmn-icon-user-task', 'Append task'),
      'append.timer': this.append(TIMER, 'bpmn-icon-intermediate-event-catch-timer', 'Append timer'),
      ...kept(entries, CONTEXT),
    } : kept(entries, CONTEXT));
  }

  getMultiElementContextPadEntries() {
    return entries => kept(entries, CONTEXT);
  }

  getPopupMenuEntries() {
    return entries => kept(entries, REPLACEMENTS);
  }

  getPopupMenuHeaderEntries() {
    return () => ({});
  }
}
Limits.$inject = ['palette', 'contextPad', 'popupMenu', 'create', 'elementFactory', 'autoPlace', 'translate'];

export const limitsModule = { __init__: ['limits', 'room'], limits: ['type', Limits], room: ['type', Room] };
