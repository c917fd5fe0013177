// The pure parts of the editor: node --test web/assets/tests
import assert from 'node:assert/strict';
import test from 'node:test';
import * as conditions from '../js/editor/condition.js';
import * as deadlines from '../js/editor/deadline.js';

for (const text of [
  '', 'F03.initiate', 'not F12b.complete', "F15.decision in ['approved', 'approved_with_changes']", "F13.conclusion == 'lawful'", 'F06.count >= 3', 'F29.attended >= policy.min_experts_township',
  "'hearing' in F20.forms", 'len(F04.consulted_units) > 0', "F03.initiate and F13.conclusion != 'lawful'", "F03.initiate or not F12b.complete or 'x' in F20.forms",
]) {
  test(`a condition comes back as it was: ${text}`, () => assert.equal(conditions.write(conditions.parse(text)), text));
}

for (const text of ["exists(\"F11.x\")", 'F1.a and F2.b or F3.c', 'any_of(D02, \'step\', \'x\')', 'F1.a == F2.b', 'rubbish(', 'F15.decision in [x]']) {
  test(`a condition that rows cannot say stays a text: ${text}`, () => assert.equal(conditions.parse(text), null));
}

test('what is typed cannot leave its quotes', () => {
  assert.equal(conditions.write({ join: 'and', rows: [{ path: 'F1.a', op: '==', value: "x' or true or '" }] }), "F1.a == 'x or true or '");
});

for (const text of ['', 'working_days_after(7)', 'working_days_after(7, F12b.received_on)', 'days_after(30)', 'months_after(3)', 'date(F22.close_on)', 'working_days_after(policy.legality_review_workdays, F12b.received_on)', 'days_after(policy.hearing_notice_days)']) {
  test(`a deadline comes back as it was: ${text}`, () => assert.equal(deadlines.write(deadlines.parse(text)), text));
}

for (const text of ['months_after(F18.months)', 'P3D', 'days_after(-1)', 'date(x)', 'other(3)', 'days_after(policy.x + 1)']) {
  test(`a deadline that the controls cannot say stays a text: ${text}`, () => assert.equal(deadlines.parse(text), null));
}
