// The properties of what is selected. Drawn anew when something else is selected or changed from elsewhere, never while
// a field in it is being typed in; a field writes on `change`, so that a word being composed is left alone.
import { conditionBuilder, deadlineBuilder, fieldChoices } from './builders.js';
import { area, el, input, labelled, redrawLater, select, watch } from './dom.js';
import * as model from './model.js';
import { kindOf } from './steps.js';
import { say } from './words.js';

export function makePanel(box, editor) {
  const { modeler, facts } = editor;
  let shown = null;

  function draw(element) {
    shown = element;
    box.replaceChildren();
    if (!element || element.type === 'label') element = element && element.labelTarget;
    if (!element || !model.thing(element)) { box.append(el('p', { class: 'empty' }, say('请先选择一个环节'))); return; }
    box.append(el('h2', { class: 'h6' }, heading(element)));
    for (const part of parts(element)) if (part) box.append(part);
    if (!editor.mayEdit) for (const control of box.querySelectorAll('input,select,textarea,button')) control.disabled = true;
  }

  function heading(element) {
    if (element.type === 'bpmn:Process' || element.type === 'bpmn:Collaboration') return say('整个流程');
    const name = one => model.thing(one).name || (kindOf(one) ? say(kindOf(one)) : one.id);
    return model.is(element, 'bpmn:SequenceFlow') && !model.thing(element).name ? `${name(element.source)} → ${name(element.target)}` : name(element);
  }

  const again = () => redrawLater(box, () => draw(shown ? modeler.get('elementRegistry').get(shown.id) || null : null));
  const attribute = (element, name) => value => model.setAttribute(modeler, element, { [name]: value || undefined });
  const propertyField = (element, label, name, make = input) => labelled(say(label), make(model.property(element, name), value => model.setProperty(modeler, element, name, value)));
  const stepField = (element, label, name) => labelled(say(label), select(model.property(element, name), facts.steps, value => {
    const article = (facts.steps.find(([key]) => key === value) || [])[2];
    modeler.together(() => {
      model.setProperty(modeler, element, name, value);
      if (name === 'step' && article && !model.property(element, 'basis') && model.is(element, 'bpmn:UserTask')) model.setProperty(modeler, element, 'basis', article);
    });
  }, say('无')));

  function parts(element) {
    const of = model.subject(element);
    const found = [];
    if (of.$type !== 'bpmn:Collaboration') found.push(labelled(say('名称'), input(of.name, attribute(element, 'name'))));
    if (model.is(element, 'bpmn:FlowNode') || of.$type === 'bpmn:Process') {
      if (element.type !== 'bpmn:Participant') found.push(propertyField(element, '英文名称', 'name_en'));
    }
    if (model.is(element, 'bpmn:UserTask')) found.push(...userTask(element));
    else if (model.is(element, 'bpmn:ServiceTask')) found.push(...serviceTask(element), stepField(element, '法定环节', 'step'));
    else if (model.is(element, 'bpmn:BusinessRuleTask')) found.push(...ruleTask(element));
    else if (model.is(element, 'bpmn:CallActivity')) {
      found.push(labelled(say('被调用的流程'), select(of.calledElement, editor.processes(), attribute(element, 'calledElement'), say('请选择'))), stepField(element, '法定环节', 'step'), instancesPart(element));
    } else if (model.is(element, 'bpmn:SubProcess')) found.push(stepField(element, '法定环节', 'step'), instancesPart(element));
    else if (model.is(element, 'bpmn:Gateway')) found.push(gateway(element));
    else if (model.is(element, 'bpmn:SequenceFlow')) found.push(...flow(element));
    else if (model.is(element, 'bpmn:Event')) found.push(...event(element));
    else if (of.$type === 'bpmn:Process' || of.$type === 'bpmn:Collaboration') found.push(...wholeProcess());
    return found;
  }

  function userTask(element) {
    const of = model.thing(element);
    const form = of.get('camunda:formKey') || '';
    const known = facts.forms.find(entry => entry.id === form);
    return [
      labelled(say('岗位角色'), select(of.get('camunda:candidateGroups'), facts.roles, attribute(element, 'camunda:candidateGroups'), say('请选择'))),
      stepField(element, '法定环节', 'step'),
      labelled(say('表单'), select(form, facts.forms.map(entry => [entry.id, `${entry.id} ${entry.title}`]), value => { attribute(element, 'camunda:formKey')(value); again(); }, say('请选择'))),
      el('p', { class: 'ed-links' },
        known && known.own ? el('a', { href: editor.formUrl(form) }, say('设计表单')) : null,
        el('a', { href: editor.formUrl('new') }, say('新建表单'))),
      labelled(say('办理期限'), deadlineBuilder(model.property(element, 'due'), facts, value => { model.setProperty(modeler, element, 'due', value); again(); })),
      propertyField(element, '依据', 'basis'),
      propertyField(element, '办理提示', 'hint', area),
      propertyField(element, '英文提示', 'hint_en', area),
      stepField(element, '作为豁免记录的环节', 'exempts'),
      propertyField(element, '由哪个单位办', 'unit'),
      propertyField(element, '由哪个人办', 'person'),
      propertyField(element, '期限依据的规则', 'due_rule'),
      instancesPart(element),
    ];
  }

  function serviceTask(element) {
    const commit = value => model.setAttribute(modeler, element, { 'camunda:topic': value || undefined, 'camunda:type': value ? 'external' : undefined });
    return [labelled(say('系统功能'), select(model.thing(element).get('camunda:topic'), facts.topics, commit, say('请选择')))];
  }

  function ruleTask(element) {
    const of = model.thing(element);
    const table = facts.tables.find(entry => entry.id === of.get('camunda:decisionRef'));
    return [
      labelled(say('决策表'), select(of.get('camunda:decisionRef'), facts.tables.map(entry => [entry.id, `${entry.id} ${entry.name}`]), value => { attribute(element, 'camunda:decisionRef')(value); again(); }, say('请选择'))),
      table && table.own ? el('p', { class: 'ed-links' }, el('a', { href: editor.tableUrl(table.file) }, say('打开决策表'))) : null,
      labelled(say('结果放在'), input(of.get('camunda:resultVariable'), attribute(element, 'camunda:resultVariable'))),
    ];
  }

  function instancesPart(element) {
    const told = model.instances(element);
    const box = el('fieldset', { class: 'ed-group' }, el('legend', {}, say('逐项办理')));
    const lists = fieldChoices(facts.forms, field => field.type === 'table' || field.type === 'multi');
    const commit = change => { model.setInstances(modeler, element, change); again(); };
    box.append(labelled(say('列表'), select(told ? told.list : '', lists, value => commit(value ? { ...(told || { item: 'entry' }), list: value } : null), say('无'))));
    if (told) {
      box.append(labelled(say('逐项的名称'), input(told.item, value => commit({ ...told, item: value.replace(/[^a-z0-9_]/g, '') || 'entry' }))));
      const check = el('input', { type: 'checkbox', class: 'form-check-input' });
      check.checked = told.sequential;
      check.addEventListener('change', () => commit({ ...told, sequential: check.checked }));
      box.append(labelled(say('依次办理'), check));
    }
    return box;
  }

  function gateway(element) {
    const ways = element.outgoing.filter(entry => entry.type === 'bpmn:SequenceFlow');
    if (ways.length < 2 || model.is(element, 'bpmn:ParallelGateway')) return null;
    const usual = model.thing(element).default;
    const box = el('div', {}, labelled(say('默认连线'), select(usual ? usual.id : '', ways.map(way => [way.id, wayName(way)]), value => setDefault(element, value), say('无'))));
    for (const way of ways) {
      if (usual && usual.id === way.id) continue;
      box.append(el('fieldset', { class: 'ed-group' }, el('legend', {}, wayName(way)), conditionBuilder(model.condition(way), facts, text => { model.setCondition(modeler, way, text); again(); })));
    }
    return box;
  }

  const wayName = way => [model.thing(way).name, `→ ${model.thing(way.target).name || way.target.id}`].filter(Boolean).join(' ');

  function setDefault(element, id) {
    const way = element.outgoing.find(entry => entry.id === id);
    modeler.together(() => {
      model.setAttribute(modeler, element, { default: way ? model.thing(way) : undefined });
      if (way && model.condition(way)) model.setCondition(modeler, way, '');
    });
    again();
  }

  function flow(element) {
    const from = element.source;
    if (!model.is(from, 'bpmn:ExclusiveGateway') && !model.is(from, 'bpmn:InclusiveGateway')) return [];
    const usual = model.thing(from).default === model.thing(element);
    const check = el('input', { type: 'checkbox', class: 'form-check-input' });
    check.checked = usual;
    check.addEventListener('change', () => { setDefault(from, check.checked ? element.id : ''); again(); });
    return [
      labelled(say('默认连线'), check),
      usual ? null : el('fieldset', { class: 'ed-group' }, el('legend', {}, say('走这条连线的条件')), conditionBuilder(model.condition(element), facts, text => { model.setCondition(modeler, element, text); again(); })),
    ];
  }

  function event(element) {
    const of = model.definition(element);
    const found = [];
    if (model.is(element, 'bpmn:StartEvent') && !of) found.push(stepField(element, '法定环节', 'step'));
    if (of && of.$type === 'bpmn:TimerEventDefinition') {
      found.push(labelled(say('等待到'), deadlineBuilder(model.timerText(element), facts, value => { model.setTimer(modeler, element, value); again(); }, true)));
      found.push(propertyField(element, '期限依据的规则', 'due_rule'));
    }
    if (of && of.$type === 'bpmn:SignalEventDefinition') found.push(labelled(say('信号名称'), input(model.signalName(element), value => model.setSignal(modeler, element, value.replace(/[^A-Za-z0-9_]/g, '')))));
    return found;
  }

  function wholeProcess() {
    return [
      labelled(say('启动表单'), select(facts.start_form, facts.forms.map(entry => [entry.id, `${entry.id} ${entry.title}`]), value => editor.setFact('start_form', value), say('无'))),
      labelled(say('适用政策'), select(facts.policy, facts.policies || [], value => editor.setFact('policy', value))),
    ];
  }

  function changed() {
    // What the panel itself wrote it shows already.
    if (shown && !box.own) again();
  }

  watch(box);
  modeler.on('selection.changed', ({ newSelection }) => draw(newSelection.length === 1 ? newSelection[0] : modeler.get('canvas').getRootElement()));
  modeler.on(['commandStack.changed', 'elements.changed'], changed);
  return { draw, changed };
}
