import * as z from 'zod/mini'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import type { DerivationOutputs, EvaluatedShell, Evaluation, NixpkgsPin, RunId } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { explainFindings } from '../shared/findings.ts'
import { stagedKeys } from '../shared/keys.ts'
import { MOST_PINS, PIN_WORDS } from '../shared/nixpkgs-pins.ts'
import { type Bucket, findObject } from '../shared/objects.ts'

/** What an evaluator staged is no evaluation of this run. */
export class EvaluationRefused extends HearthError {
  override name = 'EvaluationRefused'
}

// Nobody vouches for an evaluator's words, and they end up in plans, reports and GitHub's statuses: bounded, and of the right kind.
const Words = z.string().check(z.maxLength(1000))
const drvPath = z.custom<StorePath>(isDerivationPath, 'not the path of a derivation')
const storePath = z.custom<StorePath>(
  (value) => typeof value === 'string' && isStorePath(value),
  'not a store path',
)
const outputs = z.custom<DerivationOutputs>(
  isDerivationOutputs,
  'not derivations with names of their outputs',
)
const Shell = z.union([
  z.object({ attribute: Words, system: Words, drvPath, imported: z.optional(outputs) }),
  z.object({ attribute: Words, system: Words, needs: outputs, imported: z.optional(outputs) }),
  // one message of Nix with its trace
  z.object({
    attribute: Words,
    system: Words,
    error: z.string().check(z.maxLength(64 * 1024)),
    isPassing: z.optional(z.literal(true)),
  }),
])
const Pin = z.strictObject({
  input: z.string().check(z.regex(PIN_WORDS.input)),
  repository: z.optional(z.string().check(z.regex(PIN_WORDS.repository))),
  ref: z.optional(z.string().check(z.regex(PIN_WORDS.ref))),
  rev: z.optional(z.string().check(z.regex(PIN_WORDS.rev))),
  lastModified: z.optional(z.int().check(z.nonnegative())),
})
const Staged = z.object({
  version: z.literal(1),
  run: z.string(),
  target: z.object({ repository: Words, ref: Words, commit: z.string().check(z.regex(/^[0-9a-f]{40}$/)) }),
  nixVersion: Words,
  shells: z.array(Shell),
  // The run's error gets this name, and the state machine decides by names: those of builders/machine/errors.ts, and no other.
  error: z.optional(
    z.object({
      name: z.enum(['SourceNotFound', 'FlakeDoesNotEvaluate', 'NothingToWarm']),
      message: z.string().check(z.maxLength(64 * 1024)),
    }),
  ),
  archive: z.optional(
    z.object({
      sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      bytes: z.number().check(z.nonnegative()),
    }),
  ),
  flakeInputs: z.optional(z.array(storePath)),
  pins: z.optional(z.array(Pin).check(z.maxLength(MOST_PINS))),
})

// 16 MiB: 10,000 shells of which each has a message of more than a kilobyte.
const LIMIT = 16 * 1024 * 1024

/**
 * What the evaluator of a run says, or undefined when it said nothing.
 * @throws EvaluationRefused when it is something else, ObjectTooLarge
 */
export async function findStagedEvaluation(
  staging: Bucket,
  prefix: string,
  run: RunId,
): Promise<Evaluation | undefined> {
  const key = stagedKeys.evaluation(prefix)
  const found = await findObject(staging, key, LIMIT)
  if (found === undefined) return undefined
  const parsed = z.safeParse(Staged, parseJson(key, found.bytes))
  if (!parsed.success) throw new EvaluationRefused(`the evaluator's ${key}: ${explainFindings(parsed.error)}`)
  const { error, archive, flakeInputs, shells, pins, ...evaluation } = parsed.data
  if (evaluation.run !== run)
    throw new EvaluationRefused(`the evaluator's ${key} is of the run ${evaluation.run}`)
  return {
    ...evaluation,
    shells: shells.map(withoutUndefined),
    ...(error === undefined ? {} : { error }),
    ...(archive === undefined ? {} : { archive }),
    ...(flakeInputs === undefined ? {} : { flakeInputs }),
    ...(pins === undefined ? {} : { pins: pins.map(pinWithoutUndefined) }),
  }
}

function pinWithoutUndefined({
  input,
  repository,
  ref,
  rev,
  lastModified,
}: z.output<typeof Pin>): NixpkgsPin {
  return {
    input,
    ...(repository === undefined ? {} : { repository }),
    ...(ref === undefined ? {} : { ref }),
    ...(rev === undefined ? {} : { rev }),
    ...(lastModified === undefined ? {} : { lastModified }),
  }
}

function withoutUndefined(shell: z.output<typeof Shell>): EvaluatedShell {
  if ('error' in shell) {
    const { isPassing, ...broken } = shell
    return isPassing === undefined ? broken : { ...broken, isPassing }
  }
  const { imported, ...rest } = shell
  return imported === undefined ? rest : { ...rest, imported }
}

function isDerivationPath(value: unknown): boolean {
  return typeof value === 'string' && isStorePath(value) && value.endsWith('.drv')
}

// Source: Nix, `checkName`: an output's name is part of a store path's.
const OUTPUT_NAME = /^[0-9a-zA-Z+\-._?=]{1,211}$/

function isDerivationOutputs(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([path, names]) =>
      isDerivationPath(path) &&
      Array.isArray(names) &&
      names.length > 0 &&
      names.every((name) => typeof name === 'string' && OUTPUT_NAME.test(name)),
  )
}

function parseJson(key: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new EvaluationRefused(`the evaluator's ${key} is not JSON`)
  }
}
