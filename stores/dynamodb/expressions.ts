import type { SessionRecord, SessionTimes } from "../../src/record.ts";
import { toSeconds } from "./item.ts";
import type { DynamoDbConditionLike } from "./like.ts";

// Names of attributes are always behind placeholders: many are reserved words, and the table may have others.

/** That an item does not have a number, or none above a limit. */
export function isAtMost(name: "expiresAt" | "subjectAt", limit: number): DynamoDbConditionLike {
  return {
    ConditionExpression: "attribute_not_exists(#number) OR #number <= :limit",
    ExpressionAttributeNames: { "#number": name },
    ExpressionAttributeValues: { ":limit": limit },
  };
}

/** That a key holds no live record. */
export function isFree(now: number): DynamoDbConditionLike {
  return isAtMost("expiresAt", now);
}

/** That a key holds the live record that was read. */
export function isStill({ version }: SessionRecord, now: number): DynamoDbConditionLike {
  return {
    ConditionExpression: "#version = :version AND #expiresAt > :now",
    ExpressionAttributeNames: { "#version": "version", "#expiresAt": "expiresAt" },
    ExpressionAttributeValues: { ":version": version, ":now": now },
  };
}

/** That an item is the record of a session of a subject. */
export function isOf(subject: string): DynamoDbConditionLike {
  return {
    ConditionExpression: "#subject = :subject",
    ExpressionAttributeNames: { "#subject": "subject" },
    ExpressionAttributeValues: { ":subject": subject },
  };
}

/** That the not-before time of a subject lets a session of it come into being. */
export function isAdmitted(
  { subjectAt, sid }: { subjectAt: number; sid: string },
): DynamoDbConditionLike {
  return {
    ConditionExpression:
      "attribute_not_exists(#subjectAt) OR #subjectAt < :subjectAt OR #sid = :sid",
    ExpressionAttributeNames: { "#subjectAt": "subjectAt", "#sid": "sid" },
    ExpressionAttributeValues: { ":subjectAt": subjectAt, ":sid": sid },
  };
}

/** The change to other times, under a condition. */
export function changeOf(
  { lastSeenAt, renewedAt, expiresAt }: SessionTimes,
  expiresAttr: string,
  condition: DynamoDbConditionLike,
): DynamoDbConditionLike & { UpdateExpression: string } {
  return {
    ...condition,
    UpdateExpression: "SET #lastSeenAt = :lastSeenAt, #renewedAt = :renewedAt, " +
      "#expiresAt = :expiresAt, #expires = :expires",
    ExpressionAttributeNames: {
      ...condition.ExpressionAttributeNames,
      "#lastSeenAt": "lastSeenAt",
      "#renewedAt": "renewedAt",
      "#expiresAt": "expiresAt",
      "#expires": expiresAttr,
    },
    ExpressionAttributeValues: {
      ...condition.ExpressionAttributeValues,
      ":lastSeenAt": lastSeenAt,
      ":renewedAt": renewedAt,
      ":expiresAt": expiresAt,
      ":expires": toSeconds(expiresAt),
    },
  };
}
