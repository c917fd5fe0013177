// What a diagram says beyond its shapes, read and written through the command stack, so that everything can be undone.
export const thing = element => element.businessObject;
export const is = (element, type) => { const of = thing(element); return Boolean(of && of.$instanceOf && of.$instanceOf(type)); };

function propertiesOf(of) {
  const extension = of.get('extensionElements');
  const holder = extension && (extension.values || []).find(value => value.$type === 'camunda:Properties');
  return holder ? holder.values || [] : [];
}

export function property(element, name) {
  const found = propertiesOf(thing(element)).find(entry => entry.name === name);
  return found ? found.value || '' : '';
}

// The name of a process in a pool stands on the process, not on the pool.
export function subject(element) {
  const of = thing(element);
  return of.$type === 'bpmn:Participant' && of.processRef ? of.processRef : of;
}

export function setProperty(modeler, element, name, value) {
  const moddle = modeler.get('moddle');
  const of = subject(element);
  const old = of.get('extensionElements');
  const kept = propertiesOf(of).filter(entry => entry.name !== name).map(entry => moddle.create('camunda:Property', { name: entry.name, value: entry.value }));
  if (value) kept.push(moddle.create('camunda:Property', { name, value }));
  const values = (old && old.values ? old.values : []).filter(entry => entry.$type !== 'camunda:Properties');
  if (kept.length) values.push(moddle.create('camunda:Properties', { values: kept }));
  const extensionElements = values.length ? moddle.create('bpmn:ExtensionElements', { values }) : undefined;
  modeler.get('modeling').updateModdleProperties(element, of, { extensionElements });
}

export function setAttribute(modeler, element, attributes) {
  const of = subject(element);
  if (of === thing(element)) modeler.get('modeling').updateProperties(element, attributes);
  else modeler.get('modeling').updateModdleProperties(element, of, attributes);
}

export const condition = flow => { const written = thing(flow).conditionExpression; return written ? (written.body || '').trim() : ''; };

export function setCondition(modeler, flow, text) {
  const conditionExpression = text ? modeler.get('moddle').create('bpmn:FormalExpression', { body: text }) : undefined;
  modeler.get('modeling').updateProperties(flow, { conditionExpression });
}

export const definition = element => (thing(element).eventDefinitions || [])[0];

export function timerText(element) {
  const of = definition(element);
  const written = of && (of.timeDate || of.timeDuration);
  return written ? (written.body || '').trim() : '';
}

export function setTimer(modeler, element, text) {
  const timeDate = text ? modeler.get('moddle').create('bpmn:FormalExpression', { body: text }) : undefined;
  modeler.get('modeling').updateModdleProperties(element, definition(element), { timeDate, timeDuration: undefined });
}

export const signalName = element => { const of = definition(element); return of && of.signalRef ? of.signalRef.name || '' : ''; };

export function setSignal(modeler, element, name) {
  const moddle = modeler.get('moddle');
  const modeling = modeler.get('modeling');
  const definitions = modeler.getDefinitions();
  let signal = definitions.rootElements.find(entry => entry.$type === 'bpmn:Signal' && entry.name === name);
  if (name && !signal) {
    signal = moddle.create('bpmn:Signal', { id: `signal_${Math.random().toString(36).slice(2, 9)}`, name });
    signal.$parent = definitions;
    modeling.updateModdleProperties(element, definitions, { rootElements: [...definitions.rootElements, signal] });
  }
  modeling.updateModdleProperties(element, definition(element), { signalRef: name ? signal : undefined });
}

export function instances(element) {
  const loop = thing(element).loopCharacteristics;
  if (!loop) return null;
  return {
    list: loop.loopDataInputRef ? loop.loopDataInputRef.id : loop.get('camunda:collection') || '',
    item: loop.inputDataItem ? loop.inputDataItem.name || loop.inputDataItem.id : loop.get('camunda:elementVariable') || '',
    sequential: Boolean(loop.isSequential),
  };
}

// An input item and an output item of the same name disturb each other: they get different ones.
export function setInstances(modeler, element, told) {
  const moddle = modeler.get('moddle');
  const id = thing(element).id;
  let loopCharacteristics;
  if (told) {
    const old = thing(element).loopCharacteristics;
    const item = told.item || 'entry';
    const results = old && old.loopDataOutputRef ? old.loopDataOutputRef.id : `${id}_results`;
    const answer = old && old.outputDataItem ? old.outputDataItem.name : `${item}_answer`;
    loopCharacteristics = moddle.create('bpmn:MultiInstanceLoopCharacteristics', {
      isSequential: told.sequential || undefined,
      loopDataInputRef: moddle.create('bpmn:ItemAwareElement', { id: told.list }),
      loopDataOutputRef: moddle.create('bpmn:ItemAwareElement', { id: results }),
      inputDataItem: moddle.create('bpmn:DataInput', { id: `${id}_in`, name: item }),
      outputDataItem: moddle.create('bpmn:DataOutput', { id: `${id}_out`, name: answer === item ? `${item}_answer` : answer }),
    });
    if (old && old.completionCondition) loopCharacteristics.completionCondition = old.completionCondition;
    for (const name of ['inputDataItem', 'outputDataItem']) loopCharacteristics[name].$parent = loopCharacteristics;
  }
  modeler.get('modeling').updateProperties(element, { loopCharacteristics });
}
