/** None of these packages is installed. */
export function missingDriver(names: readonly string[], cause: unknown): Error {
  return new Error(`this store needs ${names.join(' or ')}: npm install ${names[0]}`, { cause });
}
