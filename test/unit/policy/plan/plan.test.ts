import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DIFFERENCES } from '../../../../policy/catalogue/differences.js';
import { applicable } from '../../../../policy/plan/apply.js';
import { isRefused } from '../../../../policy/plan/difference.js';
import { plan } from '../../../../policy/plan/plan.js';
import type { AccessRule } from '../../../../stream/administration.js';
import { afterChange } from './after-change.js';
import { DECLARED, DRIFTS, drifted } from './drifts.js';
import { extra } from './edits.js';
import { asDeclared, declaration, TODAY } from './plan-support.js';

describe('plan', () => {
  it('finds nothing where the cluster is as declared', () => {
    assert.deepEqual(plan(DECLARED, asDeclared(DECLARED), TODAY), []);
  });

  for (const [name, drift, code, effect, by] of DRIFTS) {
    it(`finds ${name} and nothing else`, () => {
      const found = plan(DECLARED, drift(asDeclared(DECLARED)), TODAY);
      assert.deepEqual(
        found.map((each) => [each.code, each.effect, each.by]),
        [[code, effect, by]],
      );
      const [difference = assert.fail()] = found;
      assert.notEqual(difference.remedy, '');
      assert.equal(difference.change !== null && by !== 'apply', false);
      assert.equal(isRefused(difference), effect === 'loosens');
    });
  }

  it('the drifts cover every code, but the waivers', () => {
    const covered = new Set<string>(DRIFTS.map(([, , code]) => code));
    const codes = Object.keys(DIFFERENCES);
    assert.deepEqual(
      codes.filter((code) => !covered.has(code)),
      ['waiver-expired'],
    );
  });

  it('leaves alone what no role is about', () => {
    const others: Partial<AccessRule>[] = [
      { name: 'orders' },
      { name: 'audit', permission: 'deny' },
      {
        name: '*',
        principal: 'User:payments',
        operation: 'write',
        permission: 'deny',
        host: '9.9.9.9',
        resource: 'transactional-id',
      },
      { resource: 'group', name: 'other', operation: 'read' },
      { resource: 'cluster', name: 'kafka-cluster', operation: 'describe' },
      { pattern: 'prefixed', name: 'auditors-' },
    ];
    const observed = others.reduce((so, edit) => extra(edit)(so), asDeclared(DECLARED));
    assert.deepEqual(plan(DECLARED, observed, TODAY), []);
  });

  it('a wide rule within the role of its principal is none of its business', () => {
    const observed = extra({
      pattern: 'prefixed',
      name: 'trail',
      principal: 'User:sealer',
      operation: 'read',
    })(asDeclared(DECLARED));
    assert.deepEqual(plan(DECLARED, observed, TODAY), []);
  });

  it('without principals rules are not managed', () => {
    const declared = declaration((text) => text.replace(/^principals:\n(?: .*\n)*/m, ''));
    const observed = extra({ operation: 'all' })({ ...asDeclared(declared), rules: [] });
    assert.deepEqual(plan(declared, observed, TODAY), []);
  });
});

describe('plan, whatever the drifts', () => {
  const some = fc.subarray(DRIFTS.map(([name]) => name));

  it('what apply may do never loosens, and is the same each time', () => {
    fc.assert(
      fc.property(some, (names) => {
        const observed = drifted(names);
        const found = plan(DECLARED, observed, TODAY);
        for (const difference of found) {
          assert.ok(difference.effect !== 'loosens' || isRefused(difference));
          if (difference.by !== 'apply') assert.equal(difference.change, null);
        }
        assert.deepEqual(plan(DECLARED, observed, TODAY), found);
      }),
    );
  });

  it('once done, in part or whole, is no longer there', () => {
    fc.assert(
      fc.property(some, fc.nat(), (names, cut) => {
        const before = drifted(names);
        const todo = applicable(plan(DECLARED, before, TODAY).filter((each) => !isRefused(each)));
        const part = cut % (todo.length + 1);
        const killed = todo.slice(0, part).reduce(afterChange, before);
        const rest = applicable(plan(DECLARED, killed, TODAY).filter((each) => !isRefused(each)));
        assert.equal(rest.length, todo.length - part);
        const done = rest.reduce(afterChange, killed);
        const left = plan(DECLARED, done, TODAY).filter(
          (each) => each.by === 'apply' && !isRefused(each) && each.effect !== 'records',
        );
        assert.deepEqual(left, []);
      }),
    );
  });
});
