import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { SealstreamError } from '../../../../ledger/error.js';
import { CATALOGUE } from '../../../../policy/catalogue/catalogue.js';
import { sarifLog } from '../../../../policy/doctor/sarif.js';
import { extra, setting } from '../plan/edits.js';
import { waiver } from '../plan/plan-support.js';
import { declared, diagnosed, healthy, inObserved } from './doctor-support.js';

/** SARIF 2.1.0, the parts that are written, each property as its schema has it and no other. */
const text = z.string().min(1);
const message = z.strictObject({ text, markdown: text.optional() });
const level = z.enum(['none', 'note', 'warning', 'error']);
const whole = z.number().int();
const properties = z.record(z.string(), z.unknown());
const rule = z.strictObject({
  id: text,
  name: text.regex(/^[A-Z][A-Za-z0-9]*$/),
  shortDescription: message,
  fullDescription: message,
  help: message,
  defaultConfiguration: z.strictObject({ level }),
  properties: z.strictObject({
    tags: z.array(text).refine((tags) => new Set(tags).size === tags.length),
    'security-severity': z.string().regex(/^(10\.0|[0-9]\.[0-9])$/),
  }),
});
const location = z.strictObject({
  physicalLocation: z.strictObject({
    artifactLocation: z.strictObject({ uri: z.string().regex(/^[A-Za-z0-9._~%/-]+$/) }),
    region: z.strictObject({ startLine: whole.min(1), startColumn: whole.min(1) }),
  }),
});
const result = z.strictObject({
  ruleId: text,
  ruleIndex: whole.min(-1),
  level,
  kind: z.enum(['notApplicable', 'pass', 'fail', 'review', 'open', 'informational']),
  message,
  locations: z.array(location),
  partialFingerprints: z.record(z.string(), text),
  properties,
  suppressions: z
    .array(
      z.strictObject({
        kind: z.enum(['inSource', 'external']),
        status: z.enum(['accepted', 'underReview', 'rejected']),
        justification: text,
      }),
    )
    .optional(),
});
const log = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: text,
          version: text,
          semanticVersion: text,
          rules: z.array(rule),
        }),
      }),
      invocations: z.array(
        z.strictObject({
          executionSuccessful: z.boolean(),
          toolExecutionNotifications: z.array(z.strictObject({ level, message })),
        }),
      ),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      results: z.array(result),
    }),
  ),
});

const SOURCE = { file: 'prod env/ledger.yaml', version: '1.2.3' };

function runOf(diagnosis: Parameters<typeof sarifLog>[0]) {
  const [run = assert.fail('no run')] = log.parse(sarifLog(diagnosis, SOURCE)).runs;
  return run;
}

describe('SARIF of a diagnosis', () => {
  it('has a rule with help for every code, once', () => {
    const { tool, results, invocations } = runOf(diagnosed(healthy()));
    assert.deepEqual(
      tool.driver.rules.map(({ id }) => id),
      Object.keys(CATALOGUE),
    );
    assert.deepEqual(results, []);
    assert.equal(invocations[0]?.executionSuccessful, true);
  });

  it('has a result for each finding, at its field of ledger.yaml', () => {
    const fault = inObserved((observed) =>
      extra({ operation: 'delete' })(setting('trail', 'retention.ms', '1000')(observed)),
    );
    const { results, tool } = runOf(diagnosed(fault(healthy())));
    assert.deepEqual(
      results.map(({ ruleId, level: given }) => [ruleId, given]),
      [
        ['retention-time', 'error'],
        ['acl-delete', 'error'],
      ],
    );
    for (const { ruleId, ruleIndex } of results) {
      assert.equal(tool.driver.rules[ruleIndex]?.id, ruleId);
    }
    const [retention = assert.fail()] = results;
    const place = retention.locations[0]?.physicalLocation;
    assert.equal(place?.artifactLocation.uri, 'prod%20env/ledger.yaml');
    assert.deepEqual(place?.region, { startLine: 6, startColumn: 5 });
    assert.match(retention.message.text, /retention\.ms 1000; expected retention\.ms -1/);
    assert.match(retention.message.text, /Remedy: sealstream apply sets retention\.ms=-1/);
  });

  it('marks what a waiver covers as suppressed', () => {
    const waived = waiver('retention-time', 'audit');
    const examined = healthy(declared((file) => file + waived));
    const drift = setting('audit', 'retention.ms', '1000');
    const [only = assert.fail()] = runOf(diagnosed(inObserved(drift)(examined))).results;
    assert.equal(only.level, 'note');
    assert.equal(only.suppressions?.[0]?.justification, 'decided in the review');
  });

  it('says what could not be checked', () => {
    const error = new SealstreamError('unreachable', '127.0.0.1:9092: refused');
    const { invocations, results } = runOf(diagnosed({ ...healthy(), cluster: error }));
    assert.deepEqual(results, []);
    assert.equal(invocations[0]?.executionSuccessful, false);
    const texts = invocations[0]?.toolExecutionNotifications.map((each) => each.message.text);
    assert.ok(texts?.some((each) => each.startsWith('access could not be checked')));
  });
});
