import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { desiredRules } from '../../../../policy/plan/roles.js';
import type { AccessRule } from '../../../../stream/administration.js';
import { declaration } from './plan-support.js';

/** `principals` in the place of those of the plan's file. */
function rulesFor(principals: string): readonly AccessRule[] {
  const { configuration } = declaration((text) =>
    text.replace(/^principals:\n( {2}.*\n)+/m, `principals:\n  ${principals}\n`),
  );
  return desiredRules(configuration) ?? assert.fail('no principals');
}

const written = ({ resource, name, operation }: AccessRule): string =>
  `${operation} ${resource} ${name}`;

describe('the inspector', () => {
  const inspector = rulesFor("inspector: [ 'User:pipeline' ]");

  it('has the rights of a verifier, and sees the cluster', () => {
    const verifier = rulesFor("verifier: [ 'User:pipeline' ]").map(written);
    assert.ok(verifier.length > 0);
    assert.deepEqual(
      inspector.map(written).sort(),
      [
        'describe cluster kafka-cluster',
        'describe-configs cluster kafka-cluster',
        ...verifier,
      ].sort(),
    );
  });

  it('has no right but to read and to describe, and none on a group', () => {
    assert.deepEqual([...new Set(inspector.map(({ operation }) => operation))].sort(), [
      'describe',
      'describe-configs',
      'read',
    ]);
    assert.ok(inspector.every(({ resource }) => resource === 'topic' || resource === 'cluster'));
    assert.ok(
      inspector.every(({ pattern, permission }) => `${pattern} ${permission}` === 'literal allow'),
    );
  });

  it('is held to its topics and its host', () => {
    const narrow = rulesFor(
      "inspector: [ { principal: 'User:pipeline', topics: [trail], host: 10.0.0.7 } ]",
    );
    assert.ok(narrow.every(({ host }) => host === '10.0.0.7'));
    assert.deepEqual([...new Set(narrow.map(({ name }) => name))].sort(), [
      'audit.configuration',
      'audit.configuration.checkpoints',
      'kafka-cluster',
      'trail',
      'trail.checkpoints',
    ]);
  });
});

describe('who has two roles', () => {
  it('has each right once', () => {
    const both = rulesFor("inspector: [ 'User:x' ]\n  admin: [ 'User:x' ]").map(written);
    assert.equal(new Set(both).size, both.length);
  });
});
