import { createReadStream } from 'node:fs'
import { verifyArchive } from '../../nix/archive-verification.ts'
import { isUnsupported } from '../../nix/derivation-file.ts'
import { recomputeOutputPaths } from '../../nix/output-paths.ts'

/**
 * Does what Plan does with the archive of an evaluation: proves every path in it, and computes the output paths of all derivations. Prints how many derivations and
 * outputs there are, the seconds that both took, and the most memory that the process had, in KiB. Argument: the archive.
 */
const [file = ''] = process.argv.slice(2)
const start = performance.now()
const { derivations } = await verifyArchive(createReadStream(file), {
  maxSize: 2 ** 30,
  maxDerivations: 2 ** 29,
})
let outputs = 0
for (const [path, result] of recomputeOutputPaths(derivations)) {
  if (isUnsupported(result)) throw new Error(`${path} is unsupported: ${result.unsupported}`)
  outputs += Object.keys(result.outputs).length
}
const seconds = (performance.now() - start) / 1000
process.stdout.write(
  JSON.stringify({
    derivations: derivations.size,
    outputs,
    seconds,
    peakKiB: process.resourceUsage().maxRSS,
  }),
)
