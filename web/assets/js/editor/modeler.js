// The library's modeller with our language, our limits and our reading of lists.
import Modeler from 'bpmn-js/lib/Modeler';
import minimap from 'diagram-js-minimap';
import camunda from 'camunda-bpmn-moddle/resources/camunda.json';
import { limitsModule } from './limits.js';
import { translateModule } from './translate.js';

export function makeModeler(container) {
  const modeler = new Modeler({
    container, additionalModules: [translateModule, limitsModule, minimap], moddleExtensions: { camunda },
  });
  // A list is named by its path in the data, which is no element of the diagram. The library drops such a reference
  // and the multi-instance would be lost at the next save: give it what it looks for.
  modeler.on('import.parse.complete', ({ references, elementsById, warnings }) => {
    for (const reference of references || []) {
      if (!/loopData(Input|Output)Ref$/.test(reference.property) || elementsById[reference.id]) continue;
      reference.element.set(reference.property, modeler.get('moddle').create('bpmn:ItemAwareElement', { id: reference.id }));
      const at = warnings.findIndex(warning => warning.property === reference.property && warning.value === reference.id);
      if (at >= 0) warnings.splice(at, 1);
    }
  });
  // Changes of several things that are one to whoever undoes them.
  modeler.get('commandStack').register('df.together', { preExecute: context => context.act() });
  modeler.together = act => modeler.get('commandStack').execute('df.together', { act });
  return modeler;
}
