import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import type { KeyAnswer } from '../../shared/contract.ts'
import type { Bucket } from '../../shared/objects.ts'
import { readSigningKeys } from '../signing-keys.ts'
import { changeKeys } from './change-keys.ts'
import { resign } from './resign.ts'

/** What the `keys` state machine sends: the execution's name, and its input as the operator gave it. */
export const KeysInput = z.object({
  mode: z.literal('keys'),
  execution: z.string(),
  request: z.discriminatedUnion('change', [
    z.strictObject({ change: z.literal('create'), name: z.optional(z.string()) }),
    z.strictObject({ change: z.literal('rotate') }),
    // S3 takes 3,500 writes a second below one prefix, and publishers want some of them.
    z.strictObject({ change: z.literal('resign'), rate: z.number().check(z.gte(0.1), z.lte(1000)) }),
    z.strictObject({ change: z.literal('retire'), name: z.string(), force: z.boolean() }),
  ]),
})

/** Publish's other mode: makes and retires keys, and re-signs the cache. No secret key leaves this function but into its secret. */
export async function runKeyChange(
  { execution, request }: z.output<typeof KeysInput>,
  parts: {
    secrets: SecretsManagerClient
    secretId: string
    deployment: string
    state: Bucket
    cache: Bucket
  },
): Promise<KeyAnswer> {
  const now = (): Date => new Date()
  if (request.change !== 'resign') return changeKeys(request, { ...parts, execution }, now)
  const keys = await readSigningKeys(parts.secrets, parts.secretId)
  return resign({ ...parts, keys, execution, rate: request.rate }, now)
}
