//! Messages that name a template instead of saying something: `contentType` is a marker, and `bodyText` a JSON object.
//!
//! `{"templateID":"…"}` for a static template; a dynamic one has its variables beside it. Under which name they come is not
//! known, so all of these are taken: an object called `params`, `parameters`, `variables` or `templateParams`, else every other
//! member that is a string, a number or a boolean.

use rcs::bot::{self, reader::kind};
use serde_json::{Map, Value};

use super::{LIMITS, RequestError};
use crate::{
    Outgoing,
    template::{Filled, Template},
};

/// Ceiling of the variables of a call.
pub const MAX_VARIABLES: usize = 64;

/// A template, and what to put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateUse {
    /// `templateID`
    pub id: String,
    /// By name: texts, numbers and booleans.
    pub variables: Map<String, Value>,
}

/// Whether a `contentType` marks a template: `static-template`, `dynamic-template`, and whatever else ends so.
pub fn is_marker(content_type: &str) -> bool {
    let content_type = content_type.trim().to_ascii_lowercase();
    content_type == "template" || content_type.ends_with("-template") || content_type.ends_with("_template")
}

impl TemplateUse {
    /// Reads `bodyText`; a bare id will do.
    pub fn parse(body: &str) -> Result<Self, RequestError> {
        let body = body.trim();
        if !body.starts_with('{') {
            return Self::checked(body.to_owned(), Map::new());
        }
        let invalid = |detail: String| RequestError::invalid("bodyText", detail);
        let Value::Object(mut members) =
            bot::read_json(body.as_bytes()).map_err(|error| invalid(error.to_string()))?
        else {
            return Err(invalid("no JSON object".to_owned()));
        };
        let id = ["templateID", "templateId"].into_iter().find_map(|name| members.remove(name));
        let id = match id {
            Some(Value::String(id)) => id,
            Some(Value::Number(id)) => id.to_string(),
            Some(other) => {
                return Err(invalid(format!("templateID: {} where a string belongs", kind(&other))));
            }
            None => return Err(invalid("templateID: missing".to_owned())),
        };
        let named = ["params", "parameters", "variables", "templateParams"]
            .into_iter()
            .find_map(|name| members.get(name).and_then(Value::as_object).cloned());
        let is_named = named.is_some();
        let mut variables = Map::new();
        for (name, value) in named.unwrap_or(members) {
            match value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) => _ = variables.insert(name, value),
                Value::Null => {}
                other if is_named => {
                    return Err(invalid(format!("{name}: {} where a text belongs", kind(&other))));
                }
                _ => {}
            }
        }
        Self::checked(id, variables)
    }

    /// Puts what the template says with these variables into a message: its content, and traffic and SMS where the template has
    /// them and the message has not. `source` is the template as it is stored.
    pub fn fill(&self, source: &str, message: &mut Outgoing) -> Result<(), RequestError> {
        let refused = |violations: Vec<_>| RequestError::of_violations(&violations);
        let template = Template::parse(source.as_bytes(), &LIMITS).map_err(refused)?;
        let values = template.values("bodyText", self.variables.clone()).map_err(refused)?;
        let Filled { content, sms } = template.fill(&values, &LIMITS).map_err(refused)?;
        message.content = content;
        message.sms = message.sms.take().or(sms);
        message.traffic = message.traffic.take().or(template.traffic);
        Ok(())
    }

    fn checked(id: String, variables: Map<String, Value>) -> Result<Self, RequestError> {
        if variables.len() > MAX_VARIABLES {
            let detail = format!("{} > {MAX_VARIABLES} variables", variables.len());
            return Err(RequestError::invalid("bodyText", detail));
        }
        match crate::read::check_id("bodyText.templateID", &id) {
            Some(violation) => Err(RequestError::of_violations(&[violation])),
            None => Ok(Self { id, variables }),
        }
    }
}
