import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SealstreamError } from '../../../../ledger/error.js';
import {
  decodeInitProducerIdResponse,
  encodeInitProducerIdRequest,
} from '../../../../stream/kafka/protocol/init-producer-id.js';
import {
  decodeProduceResponse,
  encodeProduceRequest,
} from '../../../../stream/kafka/protocol/produce.js';

const TOPIC = { topic: 'audit', topicId: 'AAECAwQFBgcICQoLDA0ODw' };
const ID = '000102030405060708090a0b0c0d0e0f';
const NAME = `06${Buffer.from('audit').toString('hex')}`;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (...parts: string[]) => Buffer.from(parts.join(''), 'hex');

describe('Produce', () => {
  const batches = [
    { partition: 0, bytes: Buffer.from('aabb', 'hex') },
    { partition: 258, bytes: Buffer.from('cc', 'hex') },
  ];
  const partitions = '0300000000' + '03aabb' + '00' + '00000102' + '02cc' + '00';

  test('a request names the topic up to version 12, its id from 13', () => {
    const head = `00ffff00007530` + '02';
    const encode = (version: number) => hex(encodeProduceRequest(version, TOPIC, 30_000, batches));
    assert.equal(encode(12), `${head}${NAME}${partitions}0000`);
    assert.equal(encode(13), `${head}${ID}${partitions}0000`);
  });

  const answer = (errorCode: string, offset: string, rest: string) =>
    `00000007${errorCode}${offset}000000000000002a0000000000000000${rest}`;
  const MINUS_ONE = 'ffffffffffffffff';
  // A tagged field that this code does not know (current_leader) is passed over by its size.
  const TAGS = '0100050102030405';

  test('a response: offset, time, and tagged fields passed over', () => {
    const body = bytes('02', ID, '02', answer('0000', '0000000000000105', `0100${TAGS}`), '00');
    const response = decodeProduceResponse(
      bytes(hex(body), '00000064', '0100020102'),
      13,
      TOPIC,
      'it',
    );
    assert.equal(response.throttleMs, 100);
    assert.deepEqual(response.partitions.get(7), {
      errorCode: 0,
      message: '',
      baseOffset: 261n,
      logAppendTime: 42n,
    });
  });

  test("a refusal brings the broker's words", () => {
    const record = `02000000020462616400`;
    const refused = answer('0057', MINUS_ONE, `${record}046f6e6500`);
    const body = bytes('02', NAME, '02', refused, '00', '00000000', '00');
    const response = decodeProduceResponse(body, 9, TOPIC, 'it');
    assert.deepEqual(response.partitions.get(7), {
      errorCode: 87,
      message: 'one; record 2: bad',
      baseOffset: -1n,
      logAppendTime: 42n,
    });
  });

  test('hostile answers: another topic, a partition twice, an impossible offset, cut short', () => {
    const good = answer('0000', '0000000000000000', '010000');
    const end = '000000000000';
    const decode = (body: Buffer) => () => decodeProduceResponse(body, 13, TOPIC, 'it');
    assert.equal(decode(bytes('02', ID, '02', good, end))().partitions.size, 1);
    const other = 'ff'.repeat(16);
    for (const bad of [
      bytes('02', other, '02', good, end),
      bytes('02', ID, '03', good, good, end),
      bytes('02', ID, '02', answer('0000', MINUS_ONE, '010000'), end),
      bytes('02', ID, 'ffffffff0f', good, end),
    ]) {
      assert.throws(decode(bad), { code: 'malformed' });
    }
    const whole = bytes('02', ID, '02', good, end);
    for (let length = 0; length < whole.length; length++) {
      assert.throws(decode(whole.subarray(0, length)), { code: 'malformed' });
    }
  });

  test('arbitrary bytes are decoded or malformed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(9, 12, 13),
        (body, version) => {
          try {
            decodeProduceResponse(body, version, TOPIC, 'it');
          } catch (error) {
            assert.ok(error instanceof SealstreamError && error.code === 'malformed');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('InitProducerId', () => {
  test('the request asks for a new id without a transaction', () => {
    const minusOne = 'ff'.repeat(8);
    assert.equal(hex(encodeInitProducerIdRequest()), `000000ea60${minusOne}ffff00`);
  });

  test('the response, and one that is no producer', () => {
    const decode = (text: string) => decodeInitProducerIdResponse(bytes(text), 'it');
    assert.deepEqual(decode('0000000000000000000000001267000300'), {
      errorCode: 0,
      producerId: 0x1267n,
      producerEpoch: 3,
    });
    const refused = `00000000001f${'ff'.repeat(8)}ffff00`;
    assert.equal(decode(refused).errorCode, 31);
    assert.throws(() => decode(`000000000000${'ff'.repeat(8)}ffff00`), { code: 'malformed' });
    assert.throws(() => decode('0000'), { code: 'malformed' });
  });
});
