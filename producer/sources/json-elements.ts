import { SealstreamError } from '../../ledger/error.js';

/**
 * Splits the bytes of `{"<key>":[element,…]}` into the bytes of its elements while they arrive, so
 * that memory is bounded by one element and a broken element does not take the others with it.
 */
export interface Element {
  /** From 0. */
  readonly index: number;
  /** Line of its first byte, from 1. */
  readonly line: number;
  /** JSON, not parsed yet; null: longer or nested deeper than the limits. */
  readonly bytes: Uint8Array | null;
}

export interface ElementLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

const MAX_HEAD = 1024;
const [LF, QUOTE, COMMA, BACKSLASH] = [0x0a, 0x22, 0x2c, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Throws `input-invalid` where the bytes around the elements are not of that shape. */
export class ElementSplitter {
  readonly #head: RegExp;
  readonly #key: string;
  readonly #limits: ElementLimits;
  #state: 'head' | 'elements' | 'tail' = 'head';
  #kept: number[] = [];
  #length = 0;
  #depth = 0;
  #tooDeep = false;
  #ended = false;
  #text: 'outside' | 'inside' | 'escaped' = 'outside';
  #line = 1;
  #startLine = 1;
  #index = 0;

  constructor(key: string, limits: ElementLimits) {
    this.#key = key;
    this.#head = new RegExp(`^\\ufeff?\\s*\\{\\s*"${key}"\\s*:\\s*\\[$`);
    this.#limits = limits;
  }

  *push(chunk: Uint8Array): Generator<Element> {
    for (const byte of chunk) {
      if (byte === LF) this.#line++;
      if (this.#state === 'elements') {
        const element = this.#elementByte(byte);
        if (element !== null) yield element;
      } else {
        this.#frameByte(byte);
      }
    }
  }

  /** Call after the last byte. */
  end(): void {
    if (this.#state === 'head') throw this.#noHead();
    if (this.#ended) return;
    throw new SealstreamError(
      'input-invalid',
      `line ${this.#line}: the file ends in the middle, after ${this.#index} records`,
    );
  }

  #frameByte(byte: number): void {
    if (this.#state === 'tail') {
      if (byte <= 0x20) return;
      if (byte === CLOSE_OBJECT && !this.#ended) this.#ended = true;
      else
        throw new SealstreamError(
          'input-invalid',
          `line ${this.#line}: text after the last record`,
        );
      return;
    }
    this.#kept.push(byte);
    if (this.#kept.length > MAX_HEAD) throw this.#noHead();
    if (byte === OPEN_ARRAY) {
      if (!this.#head.test(this.#keptText())) throw this.#noHead();
      this.#state = 'elements';
      this.#startElement();
    }
  }

  #elementByte(byte: number): Element | null {
    if (this.#text === 'outside' && this.#depth === 0) {
      if (byte === COMMA || byte === CLOSE_ARRAY) return this.#endElement(byte === CLOSE_ARRAY);
    }
    if (this.#length === 0 && byte <= 0x20) return null;
    if (this.#length === 0) this.#startLine = this.#line;
    this.#length++;
    if (this.#length <= this.#limits.maxBytes) this.#kept.push(byte);
    else this.#kept = [];
    if (this.#text === 'escaped') this.#text = 'inside';
    else if (byte === QUOTE) this.#text = this.#text === 'inside' ? 'outside' : 'inside';
    else if (this.#text === 'inside') this.#text = byte === BACKSLASH ? 'escaped' : 'inside';
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) this.#depth++;
    else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      // One closed too often is this element's own fault: the next one still begins at its comma.
      this.#depth = Math.max(0, this.#depth - 1);
    }
    if (this.#depth > this.#limits.maxDepth) this.#tooDeep = true;
    return null;
  }

  #endElement(last: boolean): Element | null {
    const empty = this.#length === 0;
    const whole = this.#length <= this.#limits.maxBytes && !this.#tooDeep;
    const line = empty ? this.#line : this.#startLine;
    const bytes = whole ? Uint8Array.from(this.#kept) : null;
    const element = { index: this.#index, line, bytes };
    this.#startElement();
    if (last) this.#state = 'tail';
    if (last && empty && this.#index === 0) return null;
    this.#index++;
    return element;
  }

  #startElement(): void {
    this.#kept = [];
    this.#length = 0;
    this.#depth = 0;
    this.#tooDeep = false;
  }

  #keptText(): string {
    return Buffer.from(this.#kept).toString('utf8');
  }

  #noHead(): SealstreamError {
    return new SealstreamError('input-invalid', `does not begin with {"${this.#key}":[`);
  }
}
