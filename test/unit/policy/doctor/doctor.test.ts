import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { CATALOGUE, UNSEEN } from '../../../../policy/catalogue/catalogue.js';
import { withCodeTable } from '../../../../policy/doctor/document.js';
import { DRIFTS } from '../plan/drifts.js';
import { logStart, setting } from '../plan/edits.js';
import { TODAY, waiver } from '../plan/plan-support.js';
import { FAULTS, TWOFOLD } from './doctor-faults.js';
import {
  codesOf,
  declared,
  diagnosed,
  EMBEDDED,
  healthy,
  inLog,
  inObserved,
  inRecord,
  LOG,
  NOW,
  onHost,
  RECORD,
} from './doctor-support.js';

const DOCUMENT = new URL('../../../../../docs/doctor.md', import.meta.url);

describe('doctor', () => {
  it('finds nothing where nothing is wrong', () => {
    const { outcomes, findings } = diagnosed(healthy());
    assert.deepEqual(findings, []);
    assert.ok(outcomes.every(({ ran }) => ran));
    assert.equal(outcomes.length, 24);
  });

  it('finds nothing on a sound embedded stream, and asks nothing of brokers', () => {
    const examined = healthy(EMBEDDED);
    const { outcomes, findings } = diagnosed({
      ...examined,
      cluster: { ...examined.cluster, newest: [RECORD], logs: [LOG] },
    });
    assert.deepEqual(findings, []);
    const names = outcomes.map(({ check }) => check);
    for (const name of ['brokers', 'access', 'quotas', 'connection']) {
      assert.ok(!names.includes(name), name);
    }
  });

  for (const [name, drift, code] of DRIFTS) {
    it(`tells ${name} by ${code} alone`, () => {
      const { outcomes, findings } = diagnosed(inObserved(drift)(healthy()));
      const unseen = outcomes.filter(({ ran }) => !ran);
      if (UNSEEN.has(code)) {
        assert.deepEqual(findings, []);
        assert.ok(unseen.length > 0);
        assert.ok(unseen.every((outcome) => outcome.unseen.every(({ remedy }) => remedy !== '')));
        return;
      }
      assert.deepEqual(codesOf({ outcomes, findings }), [code]);
      assert.deepEqual(unseen, []);
      assert.equal(findings[0]?.severity, CATALOGUE[code].severity);
    });
  }

  for (const [name, fault, code] of FAULTS) {
    it(`tells ${name} by ${code} alone`, () => {
      const { outcomes, findings } = diagnosed(fault(healthy()));
      assert.deepEqual(codesOf({ outcomes, findings }), [code]);
      assert.ok(outcomes.every(({ ran }) => ran));
      for (const finding of findings) {
        assert.equal(finding.severity, CATALOGUE[code].severity);
        assert.equal(finding.why, CATALOGUE[code].why);
        assert.notEqual(finding.remedy, '');
        assert.ok(finding.place.line >= 1 && finding.place.column >= 1);
      }
    });
  }

  for (const [name, fault, codes] of TWOFOLD) {
    it(`tells ${name} by ${codes.join(' and ')}`, () => {
      assert.deepEqual(codesOf(diagnosed(fault(healthy()))).sort(), codes);
    });
  }

  it('has a test for every code', () => {
    const tested = new Set([
      ...DRIFTS.map(([, , code]) => code),
      ...FAULTS.map(([, , code]) => code),
      ...TWOFOLD.flatMap(([, , codes]) => codes),
    ]);
    const untested = Object.keys(CATALOGUE).filter((code) => !tested.has(code as never));
    assert.deepEqual(untested, []);
  });

  it('is documented as the catalogue says', () => {
    const text = readFileSync(DOCUMENT, 'utf8');
    assert.equal(text, withCodeTable(text));
    for (const code of Object.keys(CATALOGUE)) assert.ok(text.includes(`| \`${code}\` |`), code);
  });
});

describe('doctor, where something is more than one thing', () => {
  it('makes a waived finding a note that names the waiver', () => {
    const text = waiver('retention-time', 'audit');
    const examined = healthy(declared((file) => file + text));
    const drift = setting('audit', 'retention.ms', '1000');
    const { findings } = diagnosed(inObserved(drift)(examined));
    assert.equal(findings.length, 1);
    assert.equal(findings[0]?.severity, 'note');
    assert.equal(findings[0]?.waiver?.until, TODAY);
  });

  it('shows a waived looseness of the file itself, though the cluster is as declared', () => {
    const examined = healthy(
      declared((file) =>
        file
          .replace('maxRecordBytes: 2097152', 'settings: { retention.ms: 1000 }')
          .concat(waiver('retention-time', 'audit')),
      ),
    );
    const { findings } = diagnosed(examined);
    assert.deepEqual(
      findings.map(({ code, severity, topic }) => [code, severity, topic]),
      [['retention-time', 'note', 'audit']],
    );
    assert.deepEqual(findings[0]?.place.line, 5);
  });

  it('tells the same loss once, from whichever side it is seen', () => {
    const examined = inObserved(logStart('audit', 5n))(healthy());
    const refusal = { reason: 'log-start-moved', message: 'm' };
    assert.ok('observed' in examined.cluster);
    const { findings } = diagnosed(inLog({ refusal })({ ...examined, cluster: examined.cluster }));
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['log-start-moved'],
    );
  });

  it('takes the signed start of an adopted log for its start', () => {
    const examined = inObserved(logStart('audit', 5n))(healthy());
    assert.ok('observed' in examined.cluster);
    const whole = { ...examined, cluster: examined.cluster };
    assert.deepEqual(diagnosed(inLog({ first: 5n })(whole)).findings, []);
    const remembered = inLog({ first: null, memory: { origin: 'o', first: 5n } })(whole);
    assert.deepEqual(diagnosed(remembered).findings, []);
    assert.deepEqual(codesOf(diagnosed(inLog({ first: 4n })(whole))), ['log-start-moved']);
  });

  it('judges the owner of a key as `seal` does; root looks for whoever owns the memory', () => {
    const key = { path: '/ledger/keys/sealer.pem', field: ['seal', 'key'] };
    const owned = (us: number, owner: number): string[] => {
      const secrets = [{ ...key, stat: { mode: 0o600, user: owner, group: owner } }];
      return codesOf(diagnosed(onHost({ user: us, secrets })(healthy())));
    };
    assert.deepEqual(owned(1000, 1000), []);
    assert.deepEqual(owned(1000, 0), []);
    assert.deepEqual(owned(0, 0), []);
    assert.deepEqual(owned(0, 1000), [], 'the memory is of 1000');
    assert.deepEqual(owned(0, 1001), ['key-file-owner']);
  });

  it('asks of checkpoints that name a configuration only where none is recorded', () => {
    const head = { time: NOW - 5_000, configuration: `${'A'.repeat(43)}=` };
    assert.deepEqual(diagnosed(inLog({ head })(healthy())).findings, []);
  });

  it('is one finding for a topic, however many partitions it is true of', () => {
    const examined = healthy();
    const logs = examined.cluster.logs.map((log) => ({ ...log, head: null }));
    const { findings } = diagnosed({ ...examined, cluster: { ...examined.cluster, logs } });
    assert.deepEqual(
      findings.map(({ topic, partition }) => [topic, partition]),
      [
        ['audit', null],
        ['trail', null],
        ['audit.configuration', 0],
      ],
    );
  });

  it('checks the file and this machine where the cluster cannot be asked', () => {
    const error = new SealstreamError('unreachable', '127.0.0.1:9092: refused');
    const { outcomes, findings } = diagnosed({ ...healthy(), cluster: error });
    assert.deepEqual(findings, []);
    const ran = outcomes.filter((outcome) => outcome.ran).map(({ check }) => check);
    assert.deepEqual(ran, [
      'looseness',
      'connection',
      'key-files',
      'key-pair',
      'memory',
      'intervals',
      'schema-history',
      'waivers-used',
    ]);
    const blind = outcomes.filter((outcome) => !outcome.ran);
    assert.ok(blind.every(({ unseen }) => unseen[0]?.message.includes('refused')));
  });

  it('says of a waiver that it covers nothing only where everything was looked at', () => {
    const error = new SealstreamError('unauthorized', 'no right to read');
    const text = waiver('acl-write', null);
    const examined = healthy(declared((file) => file + text));
    assert.deepEqual(codesOf(diagnosed(examined)), ['waiver-unused']);
    const blind = inRecord({ topic: 'audit', partition: 0, error })(examined);
    assert.deepEqual(diagnosed(blind).findings, []);
  });
});
