import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { EvaluationTokenRequest, RunId } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { machineOfBuild, stateKeys } from '../shared/keys.ts'
import { type Bucket, isConditionFailed } from '../shared/objects.ts'

/** Somebody has had a token for it. */
export class NonceUsed extends HearthError {
  override name = 'NonceUsed'
}

/**
 * Remembers that a nonce is used, before there is a token: two that come at once get one. What is written says for whom, for good; it is all that
 * this function may write.
 * @throws NonceUsed
 */
export async function useNonce(
  { s3, name }: Bucket,
  roleId: string,
  { build, nonce }: EvaluationTokenRequest,
  what: { run: RunId; repository: string },
): Promise<void> {
  const record = { version: 1, build, ...what, asked: new Date().toISOString() }
  try {
    await s3.send(
      new PutObjectCommand({
        Bucket: name,
        Key: stateKeys.evaluationToken(machineOfBuild(roleId, build), nonce),
        Body: JSON.stringify(record),
        ContentType: 'application/json',
        IfNoneMatch: '*',
      }),
    )
  } catch (error) {
    if (isConditionFailed(error))
      throw new NonceUsed(`the build ${build} was given a token for this nonce before: each is good once`)
    throw error
  }
}
