"""English words of requests. ``-`` at the end of a word stands for any ending, ``_`` joins the words of a phrase."""

from rules.lexicon.senses import Sense, Table

LAW: Table = {
    Sense.CHANGE: "updat- chang- actuali- rectif- correct correcting correction- amend- supplement- modif- edit",
    Sense.REVOKE: "no_longer_consent do_not_consent revok- revoc- withdraw- withdrew recall- rescind- take_back taking_back",
    Sense.CANCEL: "cancel- annul-",
    Sense.REFUSE: "refus- declin-",
    Sense.STOP: "stop stopping stopped ceas- cessation terminat- discontinu- halt",
    Sense.UNSUBSCRIBE: "unsubscri- opt_out opting_out opted_out optout",
    Sense.ERASE: "delet- erasure_request deletion_request eras- destroy- destruct- remov- purge",
    Sense.BLOCK: "block blocking blocked suspend- freez- restrict- temporar-_stop- temporar-_ceas- temporar-_cessation",
    Sense.UNBLOCK: "unblock- unfreez- lift-_block- lift-_the_block- lift-_of_the_block- lift-_the_restriction- remov-_the_block-",
    Sense.TELL: "access copy copies information inform which what disclose_to_me provide export obtain send_me portability",
    Sense.FORBID: "prohibit- forbid- ban banning",
    Sense.OBJECT: "object objection- objecting oppose against",
    Sense.UNLAWFUL: "illegal- unlawful-",
    Sense.CONSENT: "consent consents no_longer_consent do_not_consent",
    Sense.DATA: (
        "data details my_information all_my_information personal_information erasure_request deletion_request sar dsar "
        "subject_access_request"
    ),
    Sense.PERSONAL: "personal personal_information",
    Sense.PROCESSING: "processing process processed use using uses used storing storage collecting collection",
    Sense.TRANSFER: "transfer- disclose share sharing shared disclosing disclosure distribut- pass_on passing_on passing sell selling",
    Sense.THIRD_PARTY: "third_part- anyone anybody abroad cross_border partners",
    Sense.AUTOMATED: "automated profiling",
    Sense.MAILING: "notification- notice notices newsletter- mailing- marketing advertis- mailing_list- spam",
}

PEOPLE: Table = {
    Sense.CHANGE: "fix changed",
    Sense.UNSUBSCRIBE: "sign_me_off",
    Sense.ERASE: "wipe forget take_me_off take_off right_to_be_forgotten",
    Sense.TELL: "sar dsar subject_access_request",
    Sense.WHENCE: "where_did_you_get where_you_got where_do_you_have how_did_you_get",
    Sense.CONTACT: (
        "phone- telephone mobile number e_mail email contact_details surname lastname last_name first_name family_name name "
        "patronymic address mail_address"
    ),
    Sense.MAILING: "promo promotion- ads news offers special_offers emails e_mails messages letters sms alerts",
    Sense.SEND: (
        "send sending messaging emailing e_mailing writing contacting calling bothering spamming email_me message_me write_me contact_me"
    ),
    Sense.ACCOUNT: "account accounts profile",
    Sense.LIST: "list lists",
    Sense.BASE: "database- crm",
    Sense.ME: "me myself right_to_be_forgotten take_me_off sign_me_off send_me",
    Sense.MY: (
        "my my_information all_my_information erasure_request deletion_request mine sar dsar subject_access_request own about_me i_have"
    ),
    Sense.YOUR: "your yours",
    Sense.NEW: "new another different other",
    Sense.WRONG: "incorrect wrong inaccurate outdated error- mistake- typo- misspel- out_of_date",
    Sense.NOT: "not no don't never dont",
    Sense.WANT: "want wish more",
    Sense.POLICY: "policy policies privacy_policy privacy_notice",
    Sense.QUESTION: (
        "question- clarif- explain- explanation- how can_i may_i could_i can_one is_it_possible am_i_allowed whether do_i "
        "wondering what_is_meant"
    ),
    Sense.WHETHER: "how_can_i how_do_i how_to how can_i may_i could_i can_one is_it_possible am_i_allowed whether do_i",
    Sense.REQUEST: "request- application- demand- statement",
    Sense.SUBSCRIBE: "subscribe subscribing sign_up turn_on",
    Sense.INSTRUCTION: "click press_here tap",
    Sense.TAKEN_BACK: (
        "ignore disregard wrong_address by_mistake changed_my_mind change_my_mind never_mind nevermind do_not_need_this "
        "i_did_not_write take_back_my_request cancel_my_request withdraw_my_request"
    ),
    Sense.IF: "if",
    Sense.THANKS: "thanks thank_you thank thx fine great got_it received ok okay perfect all a_lot",
    Sense.RELATIVE: (
        "sister sister's brother brother's mother mother's mom mom's father father's dad dad's son son's daughter daughter's "
        "wife wife's husband husband's friend friend's colleague colleague's child child's grandmother grandmother's "
        "grandfather grandfather's on_behalf_of"
    ),
    Sense.AUTHORITY: (
        "authorised_body authorized_body data_protection_authority committee_on_information_security "
        "information_security_committee ministry_of_artificial_intelligence ministry_of_digital_development"
    ),
    Sense.STATE_BODY: "court police prosecutor- investigat- bailiff- tax_authority tax_office",
    Sense.OTHERS: "employee- staff customer- client- supplier- vendor- patient- student- personnel users members",
    Sense.COMPLAINT: "complain-",
    Sense.LEAK: "leak- disclosed",
    Sense.SCOPE: "to for",
    Sense.SMALL: (
        "a an the of to for from in on at by with and or is are be been being am was were i we you it this that these those "
        "please kindly pls thanks thank regards hello hi dear greetings good day morning afternoon evening sir madam "
        "immediately now asap today urgent urgently concerning regarding about under as well also do does did have has had "
        "hereby will shall must should would could further given previously earlier electronic document attached signed second "
        "third first letter letters_to once again site website completely fully entire all any every everything forever "
        "permanently still already mr mrs llp company gdpr law article art clause subject data_subject s our us their fyi "
        "important got_married married note message mail no_subject receive receiving held hold system systems help like "
        "obtained collected gathered longer get like_to longer_want both"
    ),
}

NOT_OURS = "content contents concert context contract- consensus"
"""Words near to ours that mean something else."""
