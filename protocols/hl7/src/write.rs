//! Writing a message, field by field. Pure.

use crate::{escape, message::Delimiters};

/// Writes segments. Text is escaped; fields, components and repetitions are told apart by the calls.
#[derive(Debug, Clone)]
pub struct Writer {
    delimiters: Delimiters,
    text: String,
}

impl Writer {
    /// Begins with MSH-1 and MSH-2.
    pub fn new(delimiters: Delimiters) -> Self {
        let d = delimiters;
        let mut text = String::with_capacity(512);
        text.push_str("MSH");
        text.extend([d.field, d.component, d.repetition, d.escape, d.subcomponent]);
        Self { delimiters, text }
    }

    /// A new segment.
    pub fn segment(&mut self, name: &str) -> &mut Self {
        self.text.push('\r');
        self.text.push_str(name);
        self
    }

    /// A new field with this as its first component.
    pub fn field(&mut self, text: &str) -> &mut Self {
        self.after(self.delimiters.field, text)
    }

    /// More text in the component at hand.
    pub fn amend(&mut self, text: &str) -> &mut Self {
        escape::write(text, self.delimiters, &mut self.text);
        self
    }

    /// A new component of the field.
    pub fn component(&mut self, text: &str) -> &mut Self {
        self.after(self.delimiters.component, text)
    }

    /// A new subcomponent of the component.
    pub fn subcomponent(&mut self, text: &str) -> &mut Self {
        self.after(self.delimiters.subcomponent, text)
    }

    /// A new repetition of the field with this as its first component.
    pub fn repetition(&mut self, text: &str) -> &mut Self {
        self.after(self.delimiters.repetition, text)
    }

    /// So many empty fields.
    pub fn skip(&mut self, fields: usize) -> &mut Self {
        self.text.extend(std::iter::repeat_n(self.delimiters.field, fields));
        self
    }

    /// So many empty components of the field.
    pub fn skip_components(&mut self, components: usize) -> &mut Self {
        self.text.extend(std::iter::repeat_n(self.delimiters.component, components));
        self
    }

    fn after(&mut self, delimiter: char, text: &str) -> &mut Self {
        self.text.push(delimiter);
        escape::write(text, self.delimiters, &mut self.text);
        self
    }

    /// The message, its last segment ended.
    pub fn finish(mut self) -> String {
        self.text.push('\r');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use proptest::{collection::vec, prelude::*};

    /// Subcomponents of components of repetitions of fields.
    type Fields = Vec<Vec<Vec<Vec<String>>>>;

    fn delimiters() -> impl Strategy<Value = Delimiters> {
        let order: Vec<char> = "|^~\\&#!$*+".chars().collect();
        Just(order).prop_shuffle().prop_map(|order| Delimiters {
            field: order[0],
            component: order[1],
            repetition: order[2],
            escape: order[3],
            subcomponent: order[4],
        })
    }

    fn segments() -> impl Strategy<Value = Vec<(String, Fields)>> {
        let text = "\\PC{0,12}|[ -~\r\n]{0,12}";
        let fields = vec(vec(vec(vec(text, 1..3), 1..4), 1..3), 1..6);
        vec(("[A-LN-Z][A-Z0-9]{2}", fields), 0..5)
    }

    fn write(delimiters: Delimiters, segments: &[(String, Fields)]) -> String {
        let mut writer = Writer::new(delimiters);
        writer.field("APP").skip(14).field("UNICODE UTF-8");
        for (name, fields) in segments {
            writer.segment(name);
            for repetitions in fields {
                for (r, components) in repetitions.iter().enumerate() {
                    for (c, subcomponents) in components.iter().enumerate() {
                        for (s, text) in subcomponents.iter().enumerate() {
                            match (r, c, s) {
                                (0, 0, 0) => writer.field(text),
                                (_, 0, 0) => writer.repetition(text),
                                (_, _, 0) => writer.component(text),
                                _ => writer.subcomponent(text),
                            };
                        }
                    }
                }
            }
        }
        writer.finish()
    }

    proptest! {
        #[test]
        fn what_is_written_is_parsed_back_whatever_the_delimiters(d in delimiters(), segments in segments()) {
            let bytes = write(d, &segments).into_bytes();
            let message = Message::parse(&bytes).unwrap();
            prop_assert_eq!(message.delimiters, d);
            prop_assert_eq!(message.segments().count(), segments.len() + 1);
            for (segment, (name, fields)) in message.segments().skip(1).zip(&segments) {
                prop_assert_eq!(segment.name(), name);
                for (f, repetitions) in fields.iter().enumerate() {
                    let read: Vec<&str> = segment.repetitions(f + 1).collect();
                    prop_assert_eq!(read.len(), repetitions.len());
                    for (repetition, components) in read.into_iter().zip(repetitions) {
                        for (c, subcomponents) in components.iter().enumerate() {
                            for (s, text) in subcomponents.iter().enumerate() {
                                prop_assert_eq!(&*segment.subcomponent_of(repetition, c + 1, s + 1), text.as_str());
                            }
                        }
                    }
                }
            }
        }
    }
}
