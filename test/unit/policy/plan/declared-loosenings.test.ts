import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDeclared } from '../../../../policy/file/parse.js';
import { loosenings } from '../../../../policy/plan/loosening.js';
import { WHOLE } from '../file/configuration-support.js';

const DAY = '2026-06-01';

function found(text: string, day = DAY): (string | null)[][] {
  const { configuration } = parseDeclared(text, 'ledger.yaml');
  return loosenings(configuration, day).map(({ code, topic, path, found, waiver }) => [
    code,
    topic,
    path.join('/'),
    found,
    waiver?.until ?? null,
  ]);
}

function withSetting(setting: string): string {
  return WHOLE.replace('segment.bytes: 1073741824', setting);
}

describe('what a file loosens', () => {
  it('is nothing where it says nothing, or says it as it must be', () => {
    assert.deepEqual(found(WHOLE), []);
    const strict =
      'retention.ms: -1, retention.bytes: "-1", cleanup.policy: delete, ' +
      'unclean.leader.election.enable: false, message.timestamp.type: LogAppendTime';
    assert.deepEqual(found(withSetting(strict)), []);
  });

  const CASES: [string, string, string, string][] = [
    ['retention.bytes', '1073741824', 'retention-bytes', '1073741824'],
    ['cleanup.policy', 'compact', 'cleanup-policy', 'compact'],
    ['cleanup.policy', '"compact,delete"', 'cleanup-policy', 'compact,delete'],
    ['message.timestamp.type', 'CreateTime', 'timestamp-type', 'CreateTime'],
    ['unclean.leader.election.enable', 'true', 'unclean-election', 'true'],
    ['remote.log.delete.on.disable', 'true', 'topic-setting', 'true'],
  ];
  for (const [setting, value, code, shown] of CASES) {
    it(`is ${setting}: ${value}`, () => {
      const path = `topics/0/settings/${setting}`;
      assert.deepEqual(found(withSetting(`${setting}: ${value}`)), [
        [code, 'audit', path, shown, null],
      ]);
    });
  }

  it('is covered by its waiver through its last day', () => {
    const text = withSetting('retention.ms: 604800000');
    const path = 'topics/0/settings/retention.ms';
    const loose = ['retention-time', 'audit', path, '604800000'];
    assert.deepEqual(found(text, '2026-12-31'), [[...loose, '2026-12-31']]);
    assert.deepEqual(found(text, '2027-01-01'), [[...loose, null]]);
    const elsewhere = text.replace('retention-time, topic: audit', 'retention-time, topic: other');
    assert.deepEqual(found(elsewhere), [[...loose, null]]);
  });

  it('is one copy in sync of three, and everyone in a role', () => {
    const one = WHOLE.replace('minInSync: 2', 'minInSync: 1');
    assert.deepEqual(found(one), [
      ['min-insync', 'audit.checkpoints', 'topics/0/minInSync', '1', null],
      ['min-insync', 'audit', 'topics/0/minInSync', '1', null],
    ]);
    assert.deepEqual(found(one.replace('replication: 3', 'replication: 2')), []);
    assert.deepEqual(found(WHOLE.replace("'User:payments'", "'User:*'")), [
      ['acl-everyone', null, 'principals/publisher/0', 'User:*', null],
    ]);
  });
});
