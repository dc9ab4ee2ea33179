/** snappyjs 0.7.0 carries no types; what is used of it. */
declare module 'snappyjs' {
  const snappyjs: { compress(bytes: Uint8Array): Uint8Array };
  export default snappyjs;
}
