// Drives a running Candid server with the unmodified AWS SDK for JavaScript and prints what it saw as JSON.
// Usage: node exercise.mjs READY_FILE GALLERY_PHOTO PROBE_PHOTO
import { readFileSync } from "node:fs";
import {
  CompareFacesCommand,
  CreateCollectionCommand,
  DeleteCollectionCommand,
  DescribeCollectionCommand,
  DetectFacesCommand,
  IndexFacesCommand,
  RekognitionClient,
  SearchFacesByImageCommand,
  paginateListFaces,
} from "@aws-sdk/client-rekognition";

const [readyFile, galleryPhoto, probePhoto] = process.argv.slice(2);
const ready = JSON.parse(readFileSync(readyFile, "utf8"));
const client = new RekognitionClient({
  endpoint: ready.url,
  region: ready.region,
  credentials: { accessKeyId: ready.access_key_id, secretAccessKey: ready.secret_access_key },
});
const gallery = { Bytes: readFileSync(galleryPhoto) };
const probe = { Bytes: readFileSync(probePhoto) };
const CollectionId = "js-sdk";
const seen = {};

const created = await client.send(new CreateCollectionCommand({ CollectionId, Tags: { team: "js" } }));
seen.arn = created.CollectionArn;
const detected = await client.send(new DetectFacesCommand({ Image: gallery, Attributes: ["ALL"] }));
seen.landmarks = detected.FaceDetails[0].Landmarks.length;
const indexed = await client.send(
  new IndexFacesCommand({ CollectionId, Image: gallery, ExternalImageId: "gallery:1", MaxFaces: 1 }),
);
seen.faceId = indexed.FaceRecords[0].Face.FaceId;
const found = await client.send(new SearchFacesByImageCommand({ CollectionId, Image: probe }));
seen.match = found.FaceMatches[0]?.Face.FaceId ?? null;
seen.similarity = found.FaceMatches[0]?.Similarity ?? null;
const compared = await client.send(new CompareFacesCommand({ SourceImage: gallery, TargetImage: probe }));
seen.compared = compared.FaceMatches.length;
seen.listed = [];
for await (const page of paginateListFaces({ client, pageSize: 1 }, { CollectionId })) {
  seen.listed.push(...page.Faces.map((face) => face.ExternalImageId));
}
const described = await client.send(new DescribeCollectionCommand({ CollectionId }));
seen.faceCount = Number(described.FaceCount);
seen.createdIsDate = described.CreationTimestamp instanceof Date;
try {
  await client.send(new CreateCollectionCommand({ CollectionId }));
} catch (error) {
  seen.error = error.name;
}
const deleted = await client.send(new DeleteCollectionCommand({ CollectionId }));
seen.deleted = deleted.StatusCode;
console.log(JSON.stringify(seen));
