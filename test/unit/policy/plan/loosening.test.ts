import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Code } from '../../../../policy/catalogue/catalogue.js';
import { applicable } from '../../../../policy/plan/apply.js';
import type { Declared } from '../../../../policy/plan/desired.js';
import { isPending, isRefused } from '../../../../policy/plan/difference.js';
import { plan } from '../../../../policy/plan/plan.js';
import { DECLARED } from './drifts.js';
import { brokerSetting, editTopic, extra } from './edits.js';
import { asDeclared, declaration, TODAY, waiver } from './plan-support.js';

/** The declared topic `audit` with settings, and waivers if any. */
function loose(settings: string, waivers = ''): Declared {
  return declaration(
    (text) => text.replace('maxRecordBytes: 2097152', `settings: { ${settings} }`) + waivers,
  );
}

describe('loosening', () => {
  const before = asDeclared(DECLARED);
  const LOOSE: [string, Code][] = [
    ['retention.ms: 1000', 'retention-time'],
    ['retention.bytes: 1000', 'retention-bytes'],
    ['cleanup.policy: compact', 'cleanup-policy'],
    ['message.timestamp.type: CreateTime', 'timestamp-type'],
    ['unclean.leader.election.enable: true', 'unclean-election'],
    ['remote.log.delete.on.disable: true', 'topic-setting'],
  ];
  for (const [settings, code] of LOOSE) {
    it(`${settings} is refused, also where the topic is to be made or is so already`, () => {
      const declared = loose(settings);
      for (const observed of [
        before,
        editTopic('audit', () => null)(before),
        asDeclared(declared),
      ]) {
        const refused = plan(declared, observed, TODAY).filter(isRefused);
        assert.deepEqual(
          refused.map((each) => [each.code, each.topic]),
          [[code, 'audit']],
        );
        assert.match(refused[0]?.remedy ?? '', /waiver .*\{ code: .*, topic: audit, until: /);
      }
    });

    it(`${settings} goes through by a waiver, on its last day and not after`, () => {
      const declared = loose(settings, waiver(code, 'audit'));
      const found = plan(declared, before, TODAY).filter((each) => each.code === code);
      assert.deepEqual(
        found.map((each) => [each.effect, each.waiver?.until, isRefused(each), isPending(each)]),
        [['loosens', TODAY, false, true]],
      );
      assert.equal(applicable(found).length, 1);
      assert.deepEqual(plan(declared, asDeclared(declared), TODAY), []);
      const late = plan(declared, asDeclared(declared), '2026-06-16');
      assert.deepEqual(
        late.map((each) => [each.code, isRefused(each)]),
        [[code, true]],
      );
      assert.match(late[0]?.remedy ?? '', /expired after 2026-06-15/);
    });
  }

  it('a right for everyone is refused, and goes through by a waiver', () => {
    const open = (more: string): Declared =>
      declaration(
        (text) => text.replace("verifier: [ 'User:auditor'", "verifier: [ 'User:*'") + more,
      );
    const declared = open('');
    for (const observed of [before, asDeclared(declared)]) {
      const refused = plan(declared, observed, TODAY).filter(isRefused);
      assert.deepEqual([...new Set(refused.map((each) => each.code))], ['acl-everyone']);
    }
    const waived = open(waiver('acl-everyone', null));
    assert.deepEqual(plan(waived, before, TODAY).filter(isRefused), []);
    assert.deepEqual(plan(waived, asDeclared(waived), TODAY), []);
  });

  it('a waiver that does not run out within a year or so is none', () => {
    const until = (day: string): Declared =>
      loose('retention.ms: 1000', waiver('retention-time', 'audit', day));
    assert.deepEqual(plan(until('2027-06-16'), before, TODAY).filter(isRefused), []);
    const [refused, ...others] = plan(until('2027-06-17'), before, TODAY).filter(isRefused);
    assert.deepEqual([refused?.code, others], ['retention-time', []]);
    assert.match(refused?.remedy ?? '', /a nearer date: no waiver holds for more than 366 days/);
  });

  it('more replicas in sync than a partition has are not for apply to ask for', () => {
    const one = editTopic('audit', (state) => ({
      ...state,
      settings: new Map([
        ...(state.settings ?? []),
        ['min.insync.replicas', { value: '1', source: 'topic' }],
      ]),
      partitions: state.partitions.map((each) => ({ ...each, replicas: [1], inSync: [1] })),
    }))(before);
    const found = plan(DECLARED, one, TODAY).filter(({ code }) => code === 'min-insync');
    assert.deepEqual(
      found.map(({ by, change }) => [by, change]),
      [['operator', null]],
    );
    assert.match(found[0]?.remedy ?? '', /2 replicas first/);
  });

  it('a waiver for another topic or another code covers nothing', () => {
    for (const [code, topic] of [
      ['retention-time', 'trail'],
      ['retention-bytes', 'audit'],
    ] as const) {
      const declared = loose('retention.ms: 1000', waiver(code, topic));
      const refused = plan(declared, before, TODAY).filter(isRefused);
      assert.deepEqual(
        refused.map((each) => each.code),
        ['retention-time'],
      );
    }
  });

  it('an expired waiver is refused also where it covers nothing now', () => {
    const declared = declaration(
      (text) => text + waiver('delete-topic-enabled', null, '2026-06-14'),
    );
    const found = plan(declared, asDeclared(declared), TODAY);
    assert.deepEqual(
      found.map((each) => [each.code, isRefused(each)]),
      [['waiver-expired', true]],
    );
  });

  it('a waiver lets stand what an operator, or apply, would mend', () => {
    for (const [code, topic, drift] of [
      ['delete-topic-enabled', null, brokerSetting(2, 'delete.topic.enable', 'true')],
      ['acl-write', 'audit', extra({})],
    ] as const) {
      const declared = declaration((text) => text + waiver(code, topic));
      const [difference = assert.fail(), ...others] = plan(
        declared,
        drift(asDeclared(declared)),
        TODAY,
      );
      assert.deepEqual([difference.code, isPending(difference), others], [code, false, []]);
      assert.deepEqual(applicable([difference]), []);
    }
  });
});
