import { readFileSync } from 'node:fs'
import * as z from 'zod/mini'
import type { Schedule } from '../../functions/shared/contract.ts'
import { HearthError } from '../../functions/shared/errors.ts'
import { parseStorePath } from '../../nix/store-path.ts'

export class NotASchedule extends HearthError {
  override name = 'NotASchedule'
}

const positions = z.array(z.int().check(z.minimum(0)))
const seconds = z.number().check(z.minimum(0))

const ExportedSchedule = z.object({
  version: z.literal(1),
  run: z.string(),
  wave: z.number(),
  derivations: z.array(
    z.object({
      drvPath: z.string(),
      system: z.string(),
      outputs: z.record(z.string(), z.string()),
      inputs: z.array(z.string()),
      needs: positions,
      needsPublished: positions,
      seconds,
      path: seconds,
    }),
  ),
})

/**
 * Reads a file that `hearth graph export` wrote.
 * @throws NotASchedule which says what is wrong with the file
 */
export function readSchedule(file: string): Schedule {
  const parsed = z.safeParse(ExportedSchedule, jsonOf(file))
  if (!parsed.success)
    throw new NotASchedule(`${file} is no exported graph: ${z.prettifyError(parsed.error)}`)
  const { derivations, ...rest } = parsed.data
  return {
    ...rest,
    derivations: derivations.map((derivation, position) => {
      const early = [...derivation.needs, ...derivation.needsPublished].find((need) => need >= position)
      if (early !== undefined)
        throw new NotASchedule(
          `${file}: derivation ${position} needs ${early}, which does not stand before it`,
        )
      return {
        ...derivation,
        drvPath: parseStorePath(derivation.drvPath),
        outputs: Object.fromEntries(
          Object.entries(derivation.outputs).map(([name, path]) => [name, parseStorePath(path)]),
        ),
        inputs: derivation.inputs.map(parseStorePath),
      }
    }),
  }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new NotASchedule(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
