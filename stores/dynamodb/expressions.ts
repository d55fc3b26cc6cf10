import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
import { SINCE, toSeconds } from "./item.ts";
import type { DynamoDbConditionLike } from "./like.ts";
import type { Layout } from "./layout.ts";

// Names of attributes always use placeholders: many are reserved words, and options may change them.

/** The condition that an item has a number; 0 equals none. */
export function isSame(
  { nameOf }: Layout,
  { name, value }: { name: "generation"; value: number },
): DynamoDbConditionLike {
  return {
    ConditionExpression: value === 0
      ? "attribute_not_exists(#number) OR #number = :value"
      : "#number = :value",
    ExpressionAttributeNames: { "#number": nameOf(name) },
    ExpressionAttributeValues: { ":value": value },
  };
}

/** The condition that an item has no number, or none above a limit. */
export function isAtMost(
  { nameOf }: Layout,
  { name, limit }: { name: "expiresAt"; limit: number },
): DynamoDbConditionLike {
  return {
    ConditionExpression: "attribute_not_exists(#number) OR #number <= :limit",
    ExpressionAttributeNames: { "#number": nameOf(name) },
    ExpressionAttributeValues: { ":limit": limit },
  };
}

/** The condition that a key holds no live record. */
export function isFree(layout: Layout, now: number): DynamoDbConditionLike {
  return isAtMost(layout, { name: "expiresAt", limit: now });
}

/** The condition that a key holds the live record that was read. */
export function isStill(
  { nameOf }: Layout,
  { previous: { version }, now }: { previous: SessionRecord; now: number },
): DynamoDbConditionLike {
  return {
    ConditionExpression: "#version = :version AND #expiresAt > :now",
    ExpressionAttributeNames: {
      "#version": nameOf("version"),
      "#expiresAt": nameOf("expiresAt"),
    },
    ExpressionAttributeValues: { ":version": version, ":now": now },
  };
}

/** The condition that an item is the record of a session of a subject. */
export function isOf({ nameOf }: Layout, subject: string): DynamoDbConditionLike {
  return {
    ConditionExpression: "#subject = :subject",
    ExpressionAttributeNames: { "#subject": nameOf("subject") },
    ExpressionAttributeValues: { ":subject": subject },
  };
}

/** The condition that the current generation of a subject admits a session. */
export function isAdmitted(
  { nameOf }: Layout,
  { generation, sid }: { generation: number; sid: string },
): DynamoDbConditionLike {
  return {
    ConditionExpression: "attribute_not_exists(#generation) OR #generation <= :generation " +
      "OR (#sid = :sid AND #since <= :generation)",
    ExpressionAttributeNames: {
      "#generation": nameOf("generation"),
      "#sid": nameOf("sid"),
      "#since": nameOf(SINCE),
    },
    ExpressionAttributeValues: { ":generation": generation, ":sid": sid },
  };
}

/** Returns the update of the times, with a condition. */
export function changeOf(
  { nameOf, expiresAttr }: Layout,
  { times: { lastSeenAt, renewedAt, expiresAt }, condition }: {
    times: SessionTimes;
    condition: DynamoDbConditionLike;
  },
): DynamoDbConditionLike & { UpdateExpression: string } {
  return {
    ...condition,
    UpdateExpression: "SET #lastSeenAt = :lastSeenAt, #renewedAt = :renewedAt, " +
      "#expiresAt = :expiresAt, #expires = :expires",
    ExpressionAttributeNames: {
      ...condition.ExpressionAttributeNames,
      "#lastSeenAt": nameOf("lastSeenAt"),
      "#renewedAt": nameOf("renewedAt"),
      "#expiresAt": nameOf("expiresAt"),
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
