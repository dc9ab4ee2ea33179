import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { hiddenForGood } from '../../../../policy/plan/hidden.js';
import type { Observed } from '../../../../policy/plan/observed.js';
import { plan } from '../../../../policy/plan/plan.js';
import { asDeclared, declaration, TODAY, waiver } from './plan-support.js';

const DECLARED = declaration();
const UNSEEN = new SealstreamError('unauthorized', 'no right');

function hidden(
  change: Partial<Observed>,
  principals = ['User:deploy'],
  declared = DECLARED,
): string[] {
  const observed = { ...asDeclared(DECLARED), ...change };
  return hiddenForGood(plan(declared, observed, TODAY), principals).map(({ code }) => code);
}

/** `trail` cannot be seen, and the rules on it are `rules`. */
function withoutTrail(keep: boolean): Partial<Observed> {
  const observed = asDeclared(DECLARED);
  const rules = (observed.rules instanceof SealstreamError ? [] : (observed.rules ?? [])).filter(
    ({ name, principal }) => keep || name !== 'trail' || principal !== 'User:deploy',
  );
  const topics = new Map([...observed.topics, ['trail', null] as const]);
  return { topics, rules, unseen: new Map([['trail', UNSEEN]]) };
}

describe('what apply cannot see', () => {
  it('is nothing on a cluster that tells everything', () => assert.deepEqual(hidden({}), []));

  for (const [field, code] of [
    ['rules', 'acl-unseen'],
    ['quotas', 'quota-unseen'],
    ['recorded', 'configuration-unseen'],
  ] as const) {
    it(`${field}: keeps it from changing anything`, () =>
      assert.deepEqual(hidden({ [field]: UNSEEN }), [code]));
  }

  it('a waiver lets be', () => {
    const declared = declaration((text) => text + waiver('acl-unseen', null));
    assert.deepEqual(hidden({ rules: UNSEEN }, ['User:deploy'], declared), []);
  });

  it('a topic, but by a right that apply is about to give to whoever runs it', () => {
    assert.deepEqual(hidden(withoutTrail(true)), ['topic-unseen']);
    assert.deepEqual(hidden(withoutTrail(false)), []);
    assert.deepEqual(hidden(withoutTrail(false), ['User:auditor']), ['topic-unseen']);
  });
});
