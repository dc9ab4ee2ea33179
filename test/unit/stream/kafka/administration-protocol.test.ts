import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRule } from '../../../../stream/administration.js';
import {
  decodeAlterConfigs,
  encodeAlterConfigsRequest,
} from '../../../../stream/kafka/protocol/alter-configs.js';
import {
  decodeCreateAcls,
  decodeDeleteAcls,
  encodeAclsRequest,
} from '../../../../stream/kafka/protocol/change-acls.js';
import {
  decodeAlterQuotas,
  decodeDescribeQuotas,
  encodeAlterQuotasRequest,
  encodeDescribeQuotasRequest,
} from '../../../../stream/kafka/protocol/client-quotas.js';
import { encodeCreatePartitionsRequest } from '../../../../stream/kafka/protocol/create-partitions.js';
import {
  decodeDescribeAcls,
  encodeDescribeAclsRequest,
} from '../../../../stream/kafka/protocol/describe-acls.js';
import { requestError } from '../../../../stream/kafka/protocol/error-codes.js';
import { encodeMetadataRequest } from '../../../../stream/kafka/protocol/metadata.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { ADMINISTRATION_SAMPLES } from '../../../support/administration-samples.js';

const malformed = { code: 'malformed' };
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const text = (value: string) => Buffer.from(value).toString('hex');

function decoded(name: string): unknown {
  const sample = ADMINISTRATION_SAMPLES.find((each) => each.name === name);
  return sample?.decode(sample.bytes);
}

const RULE: AccessRule = {
  resource: 'topic',
  pattern: 'prefixed',
  name: 'a',
  principal: 'b',
  host: '*',
  operation: 'two-phase-commit',
  permission: 'deny',
};

test('requests, byte by byte as the protocol has them', () => {
  const topic = { type: 'topic', name: 'a' } as const;
  const changes = new Map([
    ['k', 'v'],
    ['d', null],
  ]);
  const set = `02${text('k')}0002${text('v')}00`;
  const deleted = `02${text('d')}010000`;
  for (const [request, expected] of [
    [encodeAlterConfigsRequest(topic, changes), `020202${text('a')}03${set}${deleted}000000`],
    [encodeCreatePartitionsRequest('a', 4, 1_000), `0202${text('a')}000000040000000003e80000`],
    [encodeDescribeAclsRequest(), '0100010000010100'],
    [encodeAclsRequest([RULE]), `020202${text('a')}0402${text('b')}02${text('*')}0f020000`],
    [encodeDescribeQuotasRequest(), `0205${text('user')}0200000100`],
    [
      encodeAlterQuotasRequest({ user: null, limits: new Map([['k', 1.5]]) }),
      `020205${text('user')}00000202${text('k')}3ff80000000000000000000000`,
    ],
    [encodeMetadataRequest(null), '01000000'],
  ] as const) {
    assert.equal(hex(request), expected);
  }
});

test('settings tell where they come from', () => {
  const value = (source: string, name: string | null) => ({ source, value: name });
  assert.deepEqual(decoded('DescribeConfigs v4 of a broker'), {
    errorCode: 0,
    errorMessage: null,
    settings: new Map([
      ['setting.1', value('topic', '1')],
      ['setting.2', value('broker', '2')],
      ['setting.3', value('cluster', '3')],
      ['setting.4', value('file', '4')],
      ['setting.5', value('default', '5')],
      ['setting.6', value('other', null)],
    ]),
  });
});

test('answers: of the one asked about, of every rule in order, the first error of a deletion', () => {
  const answer = (errorCode: number, errorMessage: string | null = null) => ({
    errorCode,
    errorMessage,
  });
  assert.deepEqual(decoded('IncrementalAlterConfigs v1'), answer(40, 'not so'));
  assert.deepEqual(decoded('CreatePartitions v3'), answer(37, 'already 4'));
  assert.deepEqual(decoded('CreateAcls v3'), [answer(0), answer(42, 'no such host')]);
  assert.deepEqual(decoded('DeleteAcls v3'), [answer(0), answer(31)]);
  assert.deepEqual(decoded('AlterClientQuotas v1'), answer(0));
  const sample = (name: string) =>
    ADMINISTRATION_SAMPLES.find((each) => each.name === name)?.bytes ?? assert.fail(name);
  assert.throws(() => decodeCreateAcls(sample('CreateAcls v3'), 3, 'test'), malformed);
  assert.throws(() => decodeDeleteAcls(sample('DeleteAcls v3'), 1, 'test'), malformed);
  const other = { type: 'broker', name: 'audit' } as const;
  const bytes = sample('IncrementalAlterConfigs v1');
  assert.throws(() => decodeAlterConfigs(bytes, other, 'test'), malformed);
});

function acls(resource: number, pattern: number, operation: number, permission: number) {
  const writer = new WireWriter().int32(0).int16(0).compactNullableString(null);
  writer.compactArray([resource], () => {
    writer.int8(resource).compactString('a').int8(pattern);
    writer.compactArray([operation], () => {
      writer.compactString('b').compactString('*').int8(operation).int8(permission).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

test('an access rule of an unknown kind is an error, never left out', () => {
  assert.deepEqual(decodeDescribeAcls(acls(2, 4, 15, 2), 'test').rules, [RULE]);
  for (const unknown of [
    acls(8, 4, 15, 2),
    acls(1, 4, 15, 2),
    acls(2, 2, 15, 2),
    acls(2, 4, 16, 2),
    acls(2, 4, 1, 2),
    acls(2, 4, 15, 4),
  ]) {
    assert.throws(() => decodeDescribeAcls(unknown, 'test'), { code: 'unsupported' });
  }
});

function quotas(entities: readonly string[], limit: number): Uint8Array {
  const writer = new WireWriter().int32(0).int16(0).compactNullableString(null);
  writer.compactArray([entities], () => {
    writer.compactArray(entities, (type) => {
      writer.compactString(type).compactNullableString('x').noTags();
    });
    writer.compactArray([limit], () => writer.compactString('rate').float64(limit).noTags());
    writer.noTags();
  });
  return writer.noTags().finish();
}

test('a quota of something else, or that is no number, is an error', () => {
  const { quotas: found } = decodeDescribeQuotas(quotas(['user'], 7), 'test');
  assert.deepEqual(found, [{ user: 'x', limits: new Map([['rate', 7]]) }]);
  for (const wrong of [
    quotas(['client-id'], 7),
    quotas(['user', 'client-id'], 7),
    quotas([], 7),
    quotas(['user'], Number.NaN),
    quotas(['user'], Number.POSITIVE_INFINITY),
  ]) {
    assert.throws(() => decodeDescribeQuotas(wrong, 'test'), malformed);
  }
  const none = new WireWriter().int32(0).compactArray([], () => {});
  assert.throws(() => decodeAlterQuotas(none.noTags().finish(), 'test'), malformed);
});

test('a refusal names the right, anything else is told as everywhere', () => {
  const error = (errorCode: number) =>
    requestError({ errorCode, errorMessage: 'said so' }, 'b: rules', 'Alter on the cluster');
  for (const code of [29, 31]) {
    assert.equal(error(code).code, 'unauthorized');
    assert.match(error(code).message, /^b: rules: .*grant Alter on the cluster$/);
  }
  assert.deepEqual([error(41).class, error(60).class, error(7).class], ['retry', 'retry', 'retry']);
  assert.match(error(40).message, /40 INVALID_CONFIG \(said so\)/);
  assert.match(error(54).message, /authorizer\.class\.name/);
});
