/**
 * Makes an input smaller as long as it stays a finding: leaves out halves, then quarters, down to single bytes (Zeller's delta debugging).
 * @param isFinding whether some bytes are still the same finding
 * @param most how many times it may be asked
 */
export async function minimise(
  input: Buffer,
  isFinding: (bytes: Buffer) => Promise<boolean>,
  most = 3000,
): Promise<Buffer> {
  let smallest = input
  let asked = 0
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length && asked < most;) {
      asked++
      const without = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)])
      if (await isFinding(without)) smallest = without
      else at += size
    }
  }
  return smallest
}
