//! Imaging: decodes and de-identifies uploads, and makes their previews.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
};
use crate::{log::ImagePart, supervise::Lease};
use actix::{Actor, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_events::{
    Event, EventBody, ImageId, Seq,
    consultation::Component,
    imaging::{DecodedImage, ImageReady, ImageRejected},
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

pub(super) struct Imaging {
    follower: Follower,
    /// Received, neither ready nor rejected.
    open: BTreeMap<ImageId, Seq>,
}

impl Imaging {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        Self { follower: Follower::new(cell, lease), open: BTreeMap::new() }
    }

    fn process(&self, image: ImageId, context: &mut Context<Self>) {
        let cell = Arc::clone(&self.follower.cell);
        context.spawn(async move { process(&cell, image).await }.into_actor(self));
    }
}

impl Fold for Imaging {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        match &event.body {
            EventBody::ImageReceived(received) => {
                self.open.insert(received.image, event.seq);
            }
            EventBody::ImageReady(ready) => {
                self.open.remove(&ready.image);
            }
            EventBody::ImageRejected(rejected) => {
                self.open.remove(&rejected.image);
            }
            _ => {}
        }
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        for image in self.open.keys() {
            self.process(*image, context);
        }
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        if let EventBody::ImageReceived(received) = &event.body {
            self.process(received.image, context);
        }
    }
}

impl Actor for Imaging {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Context<Self>) {
        fold::start(self, context);
    }
}

impl StreamHandler<Item> for Imaging {
    fn handle(&mut self, item: Item, context: &mut Context<Self>) {
        fold::handle(self, item, context);
    }
}

async fn process(cell: &SessionCell, image: ImageId) {
    let body = match decode(cell, image).await {
        Ok(decoded) => match keep(cell, image, decoded).await {
            Ok(ready) => EventBody::ImageReady(ready),
            Err(error) => return cell.raise(Component::Imaging, error.into(), None).await,
        },
        Err(reason) => EventBody::ImageRejected(ImageRejected { image, reason }),
    };
    if cell.record_surely(Component::Imaging, body).await.is_some() {
        // What identifies the patient goes as soon as nothing needs it any more.
        let _ = cell.store.delete_image(cell.id, image, ImagePart::Upload).await;
    }
}

async fn decode(cell: &SessionCell, image: ImageId) -> Result<DecodedImage, String> {
    let upload = cell.store.image(cell.id, image, ImagePart::Upload).await.map_err(|e| e.to_string())?;
    let bytes = upload.ok_or("the upload is no longer there")?;
    // Decoding holds the whole image in memory several times over: bounded across sessions.
    let _turn = cell.models.image_turns.acquire().await.map_err(|e| e.to_string())?;
    let decoder = Arc::clone(&cell.models.images);
    tokio::task::spawn_blocking(move || decoder.decode(&bytes))
        .await
        .unwrap_or_else(|_| Err("the decoder failed on this file".into()))
}

async fn keep(cell: &SessionCell, image: ImageId, decoded: DecodedImage) -> Result<ImageReady, crate::LogError> {
    let sha256 = healthsync_models::hex(&Sha256::digest(&decoded.deidentified));
    let store = &cell.store;
    store.put_image(cell.id, image, ImagePart::Deidentified, decoded.deidentified).await?;
    store.put_image(cell.id, image, ImagePart::Preview, decoded.preview_png).await?;
    Ok(ImageReady {
        image,
        format: decoded.format,
        width: decoded.width,
        height: decoded.height,
        frames: decoded.frames,
        modality: decoded.modality,
        body_part: decoded.body_part,
        elements_deidentified: decoded.elements_deidentified,
        sha256,
        burned_in_text_possible: decoded.burned_in_text_possible,
    })
}
