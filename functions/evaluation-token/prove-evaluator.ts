import { S3ServiceException } from '@aws-sdk/client-s3'
import type { EvaluationTokenRequest } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { stagedKeys, stagingPrefixOfBuild } from '../shared/keys.ts'
import { type Bucket, findObject, type FoundObject } from '../shared/objects.ts'

/** Whoever asks is not the evaluator that he says he is. */
export class EvaluatorNotProved extends HearthError {
  override name = 'EvaluatorNotProved'
}

/** What names evaluators: the id of their role, and CodeBuild's project. */
export interface EvaluatorIdentity {
  roleId: string
  project: string
}

// 5 minutes: an evaluator asks at once; whoever finds an old name of an object can do nothing with it.
const FRESH_MS = 5 * 60 * 1000

/**
 * Only the role session of one build can create objects below its prefix of staging: what is there under a random name proves who asks.
 * @throws EvaluatorNotProved
 */
export async function proveEvaluator(
  staging: Bucket,
  { roleId, project }: EvaluatorIdentity,
  { build, nonce }: EvaluationTokenRequest,
  now: () => number = Date.now,
): Promise<void> {
  if (!build.startsWith(`${project}:`))
    throw new EvaluatorNotProved(`${build} is no build of the evaluator: no other build is given a token`)
  const key = stagedKeys.tokenRequest(stagingPrefixOfBuild(roleId, build), nonce)
  const found = await find(staging, key)
  if (found === undefined)
    throw new EvaluatorNotProved(`the build ${build} has not staged what it wants to prove itself with`)
  if (now() - found.lastModified.getTime() > FRESH_MS)
    throw new EvaluatorNotProved(
      `the build ${build} proves itself with an object of ${found.lastModified.toISOString()}: a fresh one is needed for every token`,
    )
}

/** S3 says 403 of an object that is not there to a caller that may not list the bucket, and this one need not. */
async function find(staging: Bucket, key: string): Promise<FoundObject | undefined> {
  try {
    return await findObject(staging, key, 1024)
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) return undefined
    throw error
  }
}
