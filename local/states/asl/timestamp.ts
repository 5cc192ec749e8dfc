const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Whether a text is a timestamp: RFC 3339 as the specification narrows it, with a capital T, and a capital Z when there is no offset. */
export function isTimestamp(text: string): boolean {
  return RFC_3339.test(text) && !Number.isNaN(Date.parse(text))
}
