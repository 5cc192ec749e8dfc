import { checkTags } from './attributes.ts'
import { answerEmpty, answerXml } from './answer.ts'
import { noSuchKey } from './errors.ts'
import { findObject } from './reading.ts'
import { receiveText } from './receive.ts'
import { authorize, requireBucket, type S3Call } from './request.ts'
import { allowChildren, document, element, parseXml, requiredTextOf } from './xml.ts'

// 10 tags of at most 384 characters, each at worst a character reference.
const LARGEST_REQUEST = 64 * 1024

export function getObjectTagging(call: S3Call): void {
  authorize(call, 's3:GetObjectTagging', call.bucket, call.key)
  requireBucket(call, call.bucket)
  const tags = findObject(call, call.bucket, call.key).tags.map((tag) =>
    element('Tag', [element('Key', tag.key), element('Value', tag.value)]),
  )
  answerXml(call, document('Tagging', [element('TagSet', tags)]))
}

/** PutObjectTagging replaces all tags; body, ETag and Last-Modified stay. */
export async function putObjectTagging(call: S3Call): Promise<void> {
  authorize(call, 's3:PutObjectTagging', call.bucket, call.key)
  requireBucket(call, call.bucket)
  const request = parseXml(await receiveText(call, LARGEST_REQUEST), 'Tagging')
  allowChildren(request, ['TagSet'])
  const tags = (request.children.get('TagSet')?.[0]?.children.get('Tag') ?? []).map((tag) => {
    allowChildren(tag, ['Key', 'Value'])
    return { key: requiredTextOf(tag, 'Key'), value: requiredTextOf(tag, 'Value') }
  })
  checkTags(tags)
  if (call.store.index.object(call.bucket, call.key) === undefined) throw noSuchKey(call.key)
  call.store.index.setTags(call.bucket, call.key, tags)
  answerEmpty(call, 200)
}
