# bash completion for dcmnet. Written by python -m dcmnet_cli.cli.manual from the options in dcmnet_cli/cli; not to be edited.
_dcmnet_commands=(demo echo store find move get listen hash-password compat explain --version -h --help)
_dcmnet_awk='function tell(key) {
    if (match(key, /^"[^"]*"/) || match(key, /^\047[^\047]*\047/)) key = substr(key, 2, RLENGTH - 2)
    else if (match(key, /^[A-Za-z0-9_-]+/)) key = substr(key, 1, RLENGTH)
    else return
    if (!(key in seen)) { seen[key] = 1; print key }
}
BEGIN { top = 1 }
{ sub(/^[ \t]+/, "") }
/^\[/ { top = 0; inside = ($0 ~ /^\[[ \t]*"?nodes"?[ \t]*\]/) }
sub(/^\[[ \t]*"?nodes"?[ \t]*\.[ \t]*/, "") { tell($0); next }
top && sub(/^"?nodes"?[ \t]*\.[ \t]*/, "") { tell($0); next }
inside && /^[^#[].*=/ { tell($0) }'

_dcmnet_of_demo() {
    case $1 in
    '')
        options=(-q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version -h --help)
        arguments=() rest=none
        ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    esac
}

_dcmnet_of_echo() {
    case $1 in
    '')
        options=(--repeat --wait --abort -ppc --propose-pc -pts --propose-ts --accepts -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version --junit -h --help -aec --call -aet --aetitle -pdu --max-pdu -i4 --ipv4 -i6 --ipv6 --config -to --timeout -ta --acse-timeout -td --dimse-timeout -ts --socket-timeout --release-timeout -usr --user -pwd --password --password-file --password-env --ask-password -epw --empty-password -kt --kerberos --saml --jwt -rsp --pos-response +tla --anonymous-tls +tls --enable-tls -tls --disable-tls +pw --use-passwd --key-password-file --key-password-env -pw --null-passwd +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy +cra --enable-crl-all --tls-profile +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd +px --profile-bcp195 +pz --profile-bcp195-ex +cs --cipher -ic --ignore-peer-cert +ph --list-profiles +cc --list-ciphers --server-name --request-sni --no-hostname-check +vc --verify-cert +rc --is-root-cert)
        arguments=(node) rest=none
        ;;
    --repeat | --wait | -ppc | --propose-pc | -pts | --propose-ts | --accepts | -aec | --call | -aet | --aetitle | -pdu | --max-pdu | -to | --timeout | -ta | --acse-timeout | -td | --dimse-timeout | -ts | --socket-timeout | --release-timeout | -usr | --user | -pwd | --password | +pw | --use-passwd | +cs | --cipher | --server-name | --request-sni) kinds=(none) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    --junit | --config | --password-file | -kt | --kerberos | --saml | --jwt | --key-password-file | +cf | --add-cert-file | +crl | --add-crl-file | +vc | --verify-cert | +rc | --is-root-cert) kinds=(file) ;;
    --password-env | --key-password-env) kinds=(variable) ;;
    +tls | --enable-tls) kinds=(file file) ;;
    +cd | --add-cert-dir) kinds=(folder) ;;
    --tls-profile) kinds=(choice) choices=(8996 8996-mod tls1.3 bcp195-nd bcp195-ex bcp195) ;;
    esac
}

_dcmnet_of_store() {
    case $1 in
    '')
        options=(--from --recurse +r --no-recurse -r -sd --no-scan-directories +sp --scan-pattern +fo --read-file-only -nuc --no-uid-checks -j --jobs --group --transcode -dn --decompress-never --halt --retry --journal --report +crf --create-report-file --rate --priority --repeat --strict --abort --max-send-pdu --list-decoders --dry-run +rn --rename -R --required +C --combine -x= --propose-uncompr -xe --propose-little -xb --propose-big -xi --propose-implicit -xs --propose-lossless -xy --propose-jpeg8 -xx --propose-jpeg12 -xv --propose-j2k-lossless -xw --propose-j2k-lossy -xt --propose-jls-lossless -xu --propose-jls-lossy -xr --propose-rle -xd --propose-deflated -xm --propose-mpeg2 -xh --propose-mpeg2-high -xn --propose-mpeg4 -xl --propose-mpeg4-bd -x2 --propose-mpeg4-2-2d -x3 --propose-mpeg4-2-3d -xo --propose-mpeg4-2-st -x4 --propose-hevc -x5 --propose-hevc10 +II --invent-instance +IR --invent-series +IS --invent-study +IP --invent-patient -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version --junit -h --help -aec --call -aet --aetitle -pdu --max-pdu -i4 --ipv4 -i6 --ipv6 --config -to --timeout -ta --acse-timeout -td --dimse-timeout -ts --socket-timeout --release-timeout -usr --user -pwd --password --password-file --password-env --ask-password -epw --empty-password -kt --kerberos --saml --jwt -rsp --pos-response +tla --anonymous-tls +tls --enable-tls -tls --disable-tls +pw --use-passwd --key-password-file --key-password-env -pw --null-passwd +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy +cra --enable-crl-all --tls-profile +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd +px --profile-bcp195 +pz --profile-bcp195-ex +cs --cipher -ic --ignore-peer-cert +ph --list-profiles +cc --list-ciphers --server-name --request-sni --no-hostname-check)
        arguments=(node file) rest=file
        ;;
    --from | --journal | --report | +crf | --create-report-file | --junit | --config | --password-file | -kt | --kerberos | --saml | --jwt | --key-password-file | +cf | --add-cert-file | +crl | --add-crl-file) kinds=(file) ;;
    +sp | --scan-pattern | -j | --jobs | --retry | --rate | --repeat | --max-send-pdu | +IR | --invent-series | +IS | --invent-study | +IP | --invent-patient | -aec | --call | -aet | --aetitle | -pdu | --max-pdu | -to | --timeout | -ta | --acse-timeout | -td | --dimse-timeout | -ts | --socket-timeout | --release-timeout | -usr | --user | -pwd | --password | +pw | --use-passwd | +cs | --cipher | --server-name | --request-sni) kinds=(none) ;;
    --group) kinds=(choice) choices=(study none) ;;
    --transcode) kinds=(choice) choices=(never lossless always) ;;
    --priority) kinds=(choice) choices=(low medium high) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    --password-env | --key-password-env) kinds=(variable) ;;
    +tls | --enable-tls) kinds=(file file) ;;
    +cd | --add-cert-dir) kinds=(folder) ;;
    --tls-profile) kinds=(choice) choices=(8996 8996-mod tls1.3 bcp195-nd bcp195-ex bcp195) ;;
    esac
}

_dcmnet_of_find() {
    case $1 in
    '')
        options=(-k --key --date --patient-id --patient-name --accession --modality --study --series --instance --level --station -W --worklist -S --study-root -P --patient --patient-root -O --psonly --limit --cancel --relax --relational --combined --fuzzy --timezone --verbatim --priority --repeat --abort --columns --sort --count --csv --ndjson -od --output-directory -X --extract -Xx --extract-xml -Xs --extract-xml-single -Xlo --limit-output +sr --show-responses -sr --hide-responses --assume-charset -xe --propose-little -xi --propose-implicit -xd --propose-deflated -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version --junit -h --help -aec --call -aet --aetitle -pdu --max-pdu -i4 --ipv4 -i6 --ipv6 --config -to --timeout -ta --acse-timeout -td --dimse-timeout -ts --socket-timeout --release-timeout -usr --user -pwd --password --password-file --password-env --ask-password -epw --empty-password -kt --kerberos --saml --jwt -rsp --pos-response +tla --anonymous-tls +tls --enable-tls -tls --disable-tls +pw --use-passwd --key-password-file --key-password-env -pw --null-passwd +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy +cra --enable-crl-all --tls-profile +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd +px --profile-bcp195 +pz --profile-bcp195-ex +cs --cipher -ic --ignore-peer-cert +ph --list-profiles +cc --list-ciphers --server-name --request-sni --no-hostname-check)
        arguments=(node file) rest=file
        ;;
    -k | --key | --date | --patient-id | --patient-name | --accession | --modality | --study | --series | --instance | --station | --limit | --cancel | --timezone | --repeat | --columns | --sort | -Xlo | --limit-output | --assume-charset | +cl | --compression-level | -aec | --call | -aet | --aetitle | -pdu | --max-pdu | -to | --timeout | -ta | --acse-timeout | -td | --dimse-timeout | -ts | --socket-timeout | --release-timeout | -usr | --user | -pwd | --password | +pw | --use-passwd | +cs | --cipher | --server-name | --request-sni) kinds=(none) ;;
    --level) kinds=(choice) choices=(patient study series image) ;;
    --priority) kinds=(choice) choices=(low medium high) ;;
    --csv | -Xs | --extract-xml-single | --junit | --config | --password-file | -kt | --kerberos | --saml | --jwt | --key-password-file | +cf | --add-cert-file | +crl | --add-crl-file) kinds=(file) ;;
    -od | --output-directory | +cd | --add-cert-dir) kinds=(folder) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    --password-env | --key-password-env) kinds=(variable) ;;
    +tls | --enable-tls) kinds=(file file) ;;
    --tls-profile) kinds=(choice) choices=(8996 8996-mod tls1.3 bcp195-nd bcp195-ex bcp195) ;;
    esac
}

_dcmnet_of_move() {
    case $1 in
    '')
        options=(-k --key --date --patient-id --patient-name --accession --modality --study --series --instance --level -S --study-root -P --patient --patient-root -O --psonly --instance-root --frames -aem --move --here +P --port --bind --grace --plain-here -vc --verify-peer-cert --expect-sni --missing --no-find --cancel --repeat --priority --abort -xe --propose-little -xd --propose-deflated -xi --propose-implicit -od --output-directory --out --ignore --on-duplicate --sync --only --prefer +xe --prefer-little +xb --prefer-big +xs --prefer-lossless +xy --prefer-jpeg8 +xx --prefer-jpeg12 +xv --prefer-j2k-lossless +xw --prefer-j2k-lossy +xt --prefer-jls-lossless +xu --prefer-jls-lossy +xr --prefer-rle +xd --prefer-deflated +xm --prefer-mpeg2 +xh --prefer-mpeg2-high +xn --prefer-mpeg4 +xl --prefer-mpeg4-bd +x2 --prefer-mpeg4-2-2d +x3 --prefer-mpeg4-2-3d +xo --prefer-mpeg4-2-st +x4 --prefer-hevc +x5 --prefer-hevc10 +x= --prefer-uncompr +xi --implicit +te --write-xfer-little +ti --write-xfer-implicit +td --write-xfer-deflated --name --modality-names +uf +fu --unique-filenames +fsu --short-unique-names -tn +fst --timenames --system-time-names -fe --filename-extension -ss --sort-conc-studies -su --sort-on-study-uid -sp --sort-on-patientname +ssd --series-date-subdir -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version --junit -h --help -aec --call -aet --aetitle -pdu --max-pdu -i4 --ipv4 -i6 --ipv6 --config -to --timeout -ta --acse-timeout -td --dimse-timeout -ts --socket-timeout --release-timeout -usr --user -pwd --password --password-file --password-env --ask-password -epw --empty-password -kt --kerberos --saml --jwt -rsp --pos-response +tla --anonymous-tls +tls --enable-tls -tls --disable-tls +pw --use-passwd --key-password-file --key-password-env -pw --null-passwd +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy +cra --enable-crl-all --tls-profile +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd +px --profile-bcp195 +pz --profile-bcp195-ex +cs --cipher -ic --ignore-peer-cert +ph --list-profiles +cc --list-ciphers --server-name --request-sni --no-hostname-check)
        arguments=(node file) rest=none
        ;;
    -k | --key | --date | --patient-id | --patient-name | --accession | --modality | --study | --series | --instance | --frames | -aem | --move | +P | --port | --bind | --grace | --expect-sni | --cancel | --repeat | --name | -fe | --filename-extension | -ss | --sort-conc-studies | -su | --sort-on-study-uid | -aec | --call | -aet | --aetitle | -pdu | --max-pdu | -to | --timeout | -ta | --acse-timeout | -td | --dimse-timeout | -ts | --socket-timeout | --release-timeout | -usr | --user | -pwd | --password | +pw | --use-passwd | +cs | --cipher | --server-name | --request-sni) kinds=(none) ;;
    --level) kinds=(choice) choices=(patient study series image) ;;
    --here | -od | --output-directory | --out | +cd | --add-cert-dir) kinds=(folder) ;;
    --priority) kinds=(choice) choices=(low medium high) ;;
    --on-duplicate) kinds=(choice) choices=(skip overwrite rename reject) ;;
    --sync) kinds=(choice) choices=(none object association) ;;
    --only) kinds=(choice) choices=(StoredPrintStorage HardcopyGrayscaleImageStorage HardcopyColorImageStorage ComputedRadiographyImageStorage DigitalXRayImageStorageForPresentation DigitalXRayImageStorageForProcessing DigitalMammographyXRayImageStorageForPresentation DigitalMammographyXRayImageStorageForProcessing DigitalIntraOralXRayImageStorageForPresentation DigitalIntraOralXRayImageStorageForProcessing CTImageStorage EnhancedCTImageStorage LegacyConvertedEnhancedCTImageStorage UltrasoundMultiFrameImageStorageRetired UltrasoundMultiFrameImageStorage MRImageStorage EnhancedMRImageStorage MRSpectroscopyStorage EnhancedMRColorImageStorage LegacyConvertedEnhancedMRImageStorage NuclearMedicineImageStorageRetired UltrasoundImageStorageRetired UltrasoundImageStorage EnhancedUSVolumeStorage PhotoacousticImageStorage SecondaryCaptureImageStorage MultiFrameSingleBitSecondaryCaptureImageStorage MultiFrameGrayscaleByteSecondaryCaptureImageStorage MultiFrameGrayscaleWordSecondaryCaptureImageStorage MultiFrameTrueColorSecondaryCaptureImageStorage StandaloneOverlayStorage StandaloneCurveStorage WaveformStorageTrial TwelveLeadECGWaveformStorage GeneralECGWaveformStorage AmbulatoryECGWaveformStorage General32bitECGWaveformStorage HemodynamicWaveformStorage CardiacElectrophysiologyWaveformStorage BasicVoiceAudioWaveformStorage GeneralAudioWaveformStorage ArterialPulseWaveformStorage RespiratoryWaveformStorage MultichannelRespiratoryWaveformStorage RoutineScalpElectroencephalogramWaveformStorage ElectromyogramWaveformStorage ElectrooculogramWaveformStorage SleepElectroencephalogramWaveformStorage BodyPositionWaveformStorage WaveformPresentationStateStorage WaveformAcquisitionPresentationStateStorage StandaloneModalityLUTStorage StandaloneVOILUTStorage GrayscaleSoftcopyPresentationStateStorage ColorSoftcopyPresentationStateStorage PseudoColorSoftcopyPresentationStateStorage BlendingSoftcopyPresentationStateStorage XAXRFGrayscaleSoftcopyPresentationStateStorage GrayscalePlanarMPRVolumetricPresentationStateStorage CompositingPlanarMPRVolumetricPresentationStateStorage AdvancedBlendingPresentationStateStorage VolumeRenderingVolumetricPresentationStateStorage SegmentedVolumeRenderingVolumetricPresentationStateStorage MultipleVolumeRenderingVolumetricPresentationStateStorage VariableModalityLUTSoftcopyPresentationStateStorage XRayAngiographicImageStorage EnhancedXAImageStorage XRayRadiofluoroscopicImageStorage EnhancedXRFImageStorage XRayAngiographicBiPlaneImageStorage XRay3DAngiographicImageStorage XRay3DCraniofacialImageStorage BreastTomosynthesisImageStorage BreastProjectionXRayImageStorageForPresentation BreastProjectionXRayImageStorageForProcessing IntravascularOpticalCoherenceTomographyImageStorageForPresentation IntravascularOpticalCoherenceTomographyImageStorageForProcessing NuclearMedicineImageStorage ParametricMapStorage RawDataStorage SpatialRegistrationStorage SpatialFiducialsStorage DeformableSpatialRegistrationStorage SegmentationStorage SurfaceSegmentationStorage TractographyResultsStorage LabelMapSegmentationStorage HeightMapSegmentationStorage RealWorldValueMappingStorage SurfaceScanMeshStorage SurfaceScanPointCloudStorage VLImageStorageTrial VLEndoscopicImageStorage VideoEndoscopicImageStorage VLMicroscopicImageStorage VideoMicroscopicImageStorage VLSlideCoordinatesMicroscopicImageStorage VLPhotographicImageStorage VideoPhotographicImageStorage OphthalmicPhotography8BitImageStorage OphthalmicPhotography16BitImageStorage StereometricRelationshipStorage OphthalmicTomographyImageStorage WideFieldOphthalmicPhotographyStereographicProjectionImageStorage WideFieldOphthalmicPhotography3DCoordinatesImageStorage OphthalmicOpticalCoherenceTomographyEnFaceImageStorage OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage VLWholeSlideMicroscopyImageStorage DermoscopicPhotographyImageStorage ConfocalMicroscopyImageStorage ConfocalMicroscopyTiledPyramidalImageStorage VLMultiFrameImageStorageTrial LensometryMeasurementsStorage AutorefractionMeasurementsStorage KeratometryMeasurementsStorage SubjectiveRefractionMeasurementsStorage VisualAcuityMeasurementsStorage SpectaclePrescriptionReportStorage OphthalmicAxialMeasurementsStorage IntraocularLensCalculationsStorage MacularGridThicknessAndVolumeReportStorage OphthalmicVisualFieldStaticPerimetryMeasurementsStorage OphthalmicThicknessMapStorage CornealTopographyMapStorage TextSRStorageTrial AudioSRStorageTrial DetailSRStorageTrial ComprehensiveSRStorageTrial BasicTextSRStorage EnhancedSRStorage ComprehensiveSRStorage Comprehensive3DSRStorage ExtensibleSRStorage ProcedureLogStorage MammographyCADSRStorage KeyObjectSelectionDocumentStorage ChestCADSRStorage XRayRadiationDoseSRStorage RadiopharmaceuticalRadiationDoseSRStorage ColonCADSRStorage ImplantationPlanSRStorage AcquisitionContextSRStorage SimplifiedAdultEchoSRStorage PatientRadiationDoseSRStorage PlannedImagingAgentAdministrationSRStorage PerformedImagingAgentAdministrationSRStorage EnhancedXRayRadiationDoseSRStorage WaveformAnnotationSRStorage ContentAssessmentResultsStorage MicroscopyBulkSimpleAnnotationsStorage EncapsulatedPDFStorage EncapsulatedCDAStorage EncapsulatedSTLStorage EncapsulatedOBJStorage EncapsulatedMTLStorage PositronEmissionTomographyImageStorage LegacyConvertedEnhancedPETImageStorage StandalonePETCurveStorage EnhancedPETImageStorage BasicStructuredDisplayStorage CTPerformedProcedureProtocolStorage XAPerformedProcedureProtocolStorage RTImageStorage RTDoseStorage RTStructureSetStorage RTBeamsTreatmentRecordStorage RTPlanStorage RTBrachyTreatmentRecordStorage RTTreatmentSummaryRecordStorage RTIonPlanStorage RTIonBeamsTreatmentRecordStorage RTPhysicianIntentStorage RTSegmentAnnotationStorage RTRadiationSetStorage CArmPhotonElectronRadiationStorage TomotherapeuticRadiationStorage RoboticArmRadiationStorage RTRadiationRecordSetStorage RTRadiationSalvageRecordStorage TomotherapeuticRadiationRecordStorage CArmPhotonElectronRadiationRecordStorage RoboticRadiationRecordStorage RTRadiationSetDeliveryInstructionStorage RTTreatmentPreparationStorage EnhancedRTImageStorage EnhancedContinuousRTImageStorage RTPatientPositionAcquisitionInstructionStorage DICOSCTImageStorage DICOSDigitalXRayImageStorageForPresentation DICOSDigitalXRayImageStorageForProcessing DICOSThreatDetectionReportStorage DICOS2DAITStorage DICOS3DAITStorage DICOSQuadrupoleResonanceStorage EddyCurrentImageStorage EddyCurrentMultiFrameImageStorage ThermographyImageStorage ThermographyMultiFrameImageStorage UltrasoundWaveformStorage RTBeamsDeliveryInstructionStorageTrial RTBeamsDeliveryInstructionStorage RTBrachyApplicationSetupDeliveryInstructionStorage CTDefinedProcedureProtocolStorage ProtocolApprovalStorage XADefinedProcedureProtocolStorage InventoryStorage HangingProtocolStorage ColorPaletteStorage GenericImplantTemplateStorage ImplantAssemblyTemplateStorage ImplantTemplateGroupStorage) ;;
    --prefer) kinds=(choice) choices=(ImplicitVRLittleEndian ExplicitVRLittleEndian EncapsulatedUncompressedExplicitVRLittleEndian DeflatedExplicitVRLittleEndian JPEGBaseline8Bit JPEGExtended12Bit JPEGLossless JPEGLosslessSV1 JPEGLSLossless JPEGLSNearLossless JPEG2000Lossless JPEG2000 JPEG2000MCLossless JPEG2000MC JPIPReferenced JPIPReferencedDeflate MPEG2MPML MPEG2MPMLF MPEG2MPHL MPEG2MPHLF MPEG4HP41 MPEG4HP41F MPEG4HP41BD MPEG4HP41BDF MPEG4HP422D MPEG4HP422DF MPEG4HP423D MPEG4HP423DF MPEG4HP42STEREO MPEG4HP42STEREOF HEVCMP51 HEVCM10P51 JPEGXLLossless JPEGXLJPEGRecompression JPEGXL HTJ2KLossless HTJ2KLosslessRPCL HTJ2K JPIPHTJ2KReferenced JPIPHTJ2KReferencedDeflate RLELossless DeflatedImageFrameCompression) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    --junit | --config | --password-file | -kt | --kerberos | --saml | --jwt | --key-password-file | +cf | --add-cert-file | +crl | --add-crl-file) kinds=(file) ;;
    --password-env | --key-password-env) kinds=(variable) ;;
    +tls | --enable-tls) kinds=(file file) ;;
    --tls-profile) kinds=(choice) choices=(8996 8996-mod tls1.3 bcp195-nd bcp195-ex bcp195) ;;
    esac
}

_dcmnet_of_get() {
    case $1 in
    '')
        options=(--strict-roles --missing --no-find --cancel --repeat --priority --abort -k --key --date --patient-id --patient-name --accession --modality --study --series --instance --level -S --study-root -P --patient --patient-root -O --psonly --instance-root --frames --without-bulk-data -xe --propose-little -xd --propose-deflated -xi --propose-implicit -od --output-directory --out --ignore --on-duplicate --sync --only --prefer +xe --prefer-little +xb --prefer-big +xs --prefer-lossless +xy --prefer-jpeg8 +xx --prefer-jpeg12 +xv --prefer-j2k-lossless +xw --prefer-j2k-lossy +xt --prefer-jls-lossless +xu --prefer-jls-lossy +xr --prefer-rle +xd --prefer-deflated +xm --prefer-mpeg2 +xh --prefer-mpeg2-high +xn --prefer-mpeg4 +xl --prefer-mpeg4-bd +x2 --prefer-mpeg4-2-2d +x3 --prefer-mpeg4-2-3d +xo --prefer-mpeg4-2-st +x4 --prefer-hevc +x5 --prefer-hevc10 +x= --prefer-uncompr +xi --implicit +te --write-xfer-little +ti --write-xfer-implicit +td --write-xfer-deflated --name --modality-names +uf +fu --unique-filenames +fsu --short-unique-names -tn +fst --timenames --system-time-names -fe --filename-extension -ss --sort-conc-studies -su --sort-on-study-uid -sp --sort-on-patientname +ssd --series-date-subdir -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version --junit -h --help -aec --call -aet --aetitle -pdu --max-pdu -i4 --ipv4 -i6 --ipv6 --config -to --timeout -ta --acse-timeout -td --dimse-timeout -ts --socket-timeout --release-timeout -usr --user -pwd --password --password-file --password-env --ask-password -epw --empty-password -kt --kerberos --saml --jwt -rsp --pos-response +tla --anonymous-tls +tls --enable-tls -tls --disable-tls +pw --use-passwd --key-password-file --key-password-env -pw --null-passwd +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy +cra --enable-crl-all --tls-profile +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd +px --profile-bcp195 +pz --profile-bcp195-ex +cs --cipher -ic --ignore-peer-cert +ph --list-profiles +cc --list-ciphers --server-name --request-sni --no-hostname-check)
        arguments=(node file) rest=none
        ;;
    --cancel | --repeat | -k | --key | --date | --patient-id | --patient-name | --accession | --modality | --study | --series | --instance | --frames | --name | -fe | --filename-extension | -ss | --sort-conc-studies | -su | --sort-on-study-uid | -aec | --call | -aet | --aetitle | -pdu | --max-pdu | -to | --timeout | -ta | --acse-timeout | -td | --dimse-timeout | -ts | --socket-timeout | --release-timeout | -usr | --user | -pwd | --password | +pw | --use-passwd | +cs | --cipher | --server-name | --request-sni) kinds=(none) ;;
    --priority) kinds=(choice) choices=(low medium high) ;;
    --level) kinds=(choice) choices=(patient study series image) ;;
    -od | --output-directory | --out | +cd | --add-cert-dir) kinds=(folder) ;;
    --on-duplicate) kinds=(choice) choices=(skip overwrite rename reject) ;;
    --sync) kinds=(choice) choices=(none object association) ;;
    --only) kinds=(choice) choices=(StoredPrintStorage HardcopyGrayscaleImageStorage HardcopyColorImageStorage ComputedRadiographyImageStorage DigitalXRayImageStorageForPresentation DigitalXRayImageStorageForProcessing DigitalMammographyXRayImageStorageForPresentation DigitalMammographyXRayImageStorageForProcessing DigitalIntraOralXRayImageStorageForPresentation DigitalIntraOralXRayImageStorageForProcessing CTImageStorage EnhancedCTImageStorage LegacyConvertedEnhancedCTImageStorage UltrasoundMultiFrameImageStorageRetired UltrasoundMultiFrameImageStorage MRImageStorage EnhancedMRImageStorage MRSpectroscopyStorage EnhancedMRColorImageStorage LegacyConvertedEnhancedMRImageStorage NuclearMedicineImageStorageRetired UltrasoundImageStorageRetired UltrasoundImageStorage EnhancedUSVolumeStorage PhotoacousticImageStorage SecondaryCaptureImageStorage MultiFrameSingleBitSecondaryCaptureImageStorage MultiFrameGrayscaleByteSecondaryCaptureImageStorage MultiFrameGrayscaleWordSecondaryCaptureImageStorage MultiFrameTrueColorSecondaryCaptureImageStorage StandaloneOverlayStorage StandaloneCurveStorage WaveformStorageTrial TwelveLeadECGWaveformStorage GeneralECGWaveformStorage AmbulatoryECGWaveformStorage General32bitECGWaveformStorage HemodynamicWaveformStorage CardiacElectrophysiologyWaveformStorage BasicVoiceAudioWaveformStorage GeneralAudioWaveformStorage ArterialPulseWaveformStorage RespiratoryWaveformStorage MultichannelRespiratoryWaveformStorage RoutineScalpElectroencephalogramWaveformStorage ElectromyogramWaveformStorage ElectrooculogramWaveformStorage SleepElectroencephalogramWaveformStorage BodyPositionWaveformStorage WaveformPresentationStateStorage WaveformAcquisitionPresentationStateStorage StandaloneModalityLUTStorage StandaloneVOILUTStorage GrayscaleSoftcopyPresentationStateStorage ColorSoftcopyPresentationStateStorage PseudoColorSoftcopyPresentationStateStorage BlendingSoftcopyPresentationStateStorage XAXRFGrayscaleSoftcopyPresentationStateStorage GrayscalePlanarMPRVolumetricPresentationStateStorage CompositingPlanarMPRVolumetricPresentationStateStorage AdvancedBlendingPresentationStateStorage VolumeRenderingVolumetricPresentationStateStorage SegmentedVolumeRenderingVolumetricPresentationStateStorage MultipleVolumeRenderingVolumetricPresentationStateStorage VariableModalityLUTSoftcopyPresentationStateStorage XRayAngiographicImageStorage EnhancedXAImageStorage XRayRadiofluoroscopicImageStorage EnhancedXRFImageStorage XRayAngiographicBiPlaneImageStorage XRay3DAngiographicImageStorage XRay3DCraniofacialImageStorage BreastTomosynthesisImageStorage BreastProjectionXRayImageStorageForPresentation BreastProjectionXRayImageStorageForProcessing IntravascularOpticalCoherenceTomographyImageStorageForPresentation IntravascularOpticalCoherenceTomographyImageStorageForProcessing NuclearMedicineImageStorage ParametricMapStorage RawDataStorage SpatialRegistrationStorage SpatialFiducialsStorage DeformableSpatialRegistrationStorage SegmentationStorage SurfaceSegmentationStorage TractographyResultsStorage LabelMapSegmentationStorage HeightMapSegmentationStorage RealWorldValueMappingStorage SurfaceScanMeshStorage SurfaceScanPointCloudStorage VLImageStorageTrial VLEndoscopicImageStorage VideoEndoscopicImageStorage VLMicroscopicImageStorage VideoMicroscopicImageStorage VLSlideCoordinatesMicroscopicImageStorage VLPhotographicImageStorage VideoPhotographicImageStorage OphthalmicPhotography8BitImageStorage OphthalmicPhotography16BitImageStorage StereometricRelationshipStorage OphthalmicTomographyImageStorage WideFieldOphthalmicPhotographyStereographicProjectionImageStorage WideFieldOphthalmicPhotography3DCoordinatesImageStorage OphthalmicOpticalCoherenceTomographyEnFaceImageStorage OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage VLWholeSlideMicroscopyImageStorage DermoscopicPhotographyImageStorage ConfocalMicroscopyImageStorage ConfocalMicroscopyTiledPyramidalImageStorage VLMultiFrameImageStorageTrial LensometryMeasurementsStorage AutorefractionMeasurementsStorage KeratometryMeasurementsStorage SubjectiveRefractionMeasurementsStorage VisualAcuityMeasurementsStorage SpectaclePrescriptionReportStorage OphthalmicAxialMeasurementsStorage IntraocularLensCalculationsStorage MacularGridThicknessAndVolumeReportStorage OphthalmicVisualFieldStaticPerimetryMeasurementsStorage OphthalmicThicknessMapStorage CornealTopographyMapStorage TextSRStorageTrial AudioSRStorageTrial DetailSRStorageTrial ComprehensiveSRStorageTrial BasicTextSRStorage EnhancedSRStorage ComprehensiveSRStorage Comprehensive3DSRStorage ExtensibleSRStorage ProcedureLogStorage MammographyCADSRStorage KeyObjectSelectionDocumentStorage ChestCADSRStorage XRayRadiationDoseSRStorage RadiopharmaceuticalRadiationDoseSRStorage ColonCADSRStorage ImplantationPlanSRStorage AcquisitionContextSRStorage SimplifiedAdultEchoSRStorage PatientRadiationDoseSRStorage PlannedImagingAgentAdministrationSRStorage PerformedImagingAgentAdministrationSRStorage EnhancedXRayRadiationDoseSRStorage WaveformAnnotationSRStorage ContentAssessmentResultsStorage MicroscopyBulkSimpleAnnotationsStorage EncapsulatedPDFStorage EncapsulatedCDAStorage EncapsulatedSTLStorage EncapsulatedOBJStorage EncapsulatedMTLStorage PositronEmissionTomographyImageStorage LegacyConvertedEnhancedPETImageStorage StandalonePETCurveStorage EnhancedPETImageStorage BasicStructuredDisplayStorage CTPerformedProcedureProtocolStorage XAPerformedProcedureProtocolStorage RTImageStorage RTDoseStorage RTStructureSetStorage RTBeamsTreatmentRecordStorage RTPlanStorage RTBrachyTreatmentRecordStorage RTTreatmentSummaryRecordStorage RTIonPlanStorage RTIonBeamsTreatmentRecordStorage RTPhysicianIntentStorage RTSegmentAnnotationStorage RTRadiationSetStorage CArmPhotonElectronRadiationStorage TomotherapeuticRadiationStorage RoboticArmRadiationStorage RTRadiationRecordSetStorage RTRadiationSalvageRecordStorage TomotherapeuticRadiationRecordStorage CArmPhotonElectronRadiationRecordStorage RoboticRadiationRecordStorage RTRadiationSetDeliveryInstructionStorage RTTreatmentPreparationStorage EnhancedRTImageStorage EnhancedContinuousRTImageStorage RTPatientPositionAcquisitionInstructionStorage DICOSCTImageStorage DICOSDigitalXRayImageStorageForPresentation DICOSDigitalXRayImageStorageForProcessing DICOSThreatDetectionReportStorage DICOS2DAITStorage DICOS3DAITStorage DICOSQuadrupoleResonanceStorage EddyCurrentImageStorage EddyCurrentMultiFrameImageStorage ThermographyImageStorage ThermographyMultiFrameImageStorage UltrasoundWaveformStorage RTBeamsDeliveryInstructionStorageTrial RTBeamsDeliveryInstructionStorage RTBrachyApplicationSetupDeliveryInstructionStorage CTDefinedProcedureProtocolStorage ProtocolApprovalStorage XADefinedProcedureProtocolStorage InventoryStorage HangingProtocolStorage ColorPaletteStorage GenericImplantTemplateStorage ImplantAssemblyTemplateStorage ImplantTemplateGroupStorage) ;;
    --prefer) kinds=(choice) choices=(ImplicitVRLittleEndian ExplicitVRLittleEndian EncapsulatedUncompressedExplicitVRLittleEndian DeflatedExplicitVRLittleEndian JPEGBaseline8Bit JPEGExtended12Bit JPEGLossless JPEGLosslessSV1 JPEGLSLossless JPEGLSNearLossless JPEG2000Lossless JPEG2000 JPEG2000MCLossless JPEG2000MC JPIPReferenced JPIPReferencedDeflate MPEG2MPML MPEG2MPMLF MPEG2MPHL MPEG2MPHLF MPEG4HP41 MPEG4HP41F MPEG4HP41BD MPEG4HP41BDF MPEG4HP422D MPEG4HP422DF MPEG4HP423D MPEG4HP423DF MPEG4HP42STEREO MPEG4HP42STEREOF HEVCMP51 HEVCM10P51 JPEGXLLossless JPEGXLJPEGRecompression JPEGXL HTJ2KLossless HTJ2KLosslessRPCL HTJ2K JPIPHTJ2KReferenced JPIPHTJ2KReferencedDeflate RLELossless DeflatedImageFrameCompression) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    --junit | --config | --password-file | -kt | --kerberos | --saml | --jwt | --key-password-file | +cf | --add-cert-file | +crl | --add-crl-file) kinds=(file) ;;
    --password-env | --key-password-env) kinds=(variable) ;;
    +tls | --enable-tls) kinds=(file file) ;;
    --tls-profile) kinds=(choice) choices=(8996 8996-mod tls1.3 bcp195-nd bcp195-ex bcp195) ;;
    esac
}

_dcmnet_of_listen() {
    case $1 in
    '')
        options=(--port --bind --count --grace --idle-exit --max-associations --idle-timeout --called --calling --allow --users --identity-command --require-identity -od --output-directory --out --ignore --on-duplicate --sync --only --prefer +xe --prefer-little +xb --prefer-big +xs --prefer-lossless +xy --prefer-jpeg8 +xx --prefer-jpeg12 +xv --prefer-j2k-lossless +xw --prefer-j2k-lossy +xt --prefer-jls-lossless +xu --prefer-jls-lossy +xr --prefer-rle +xd --prefer-deflated +xm --prefer-mpeg2 +xh --prefer-mpeg2-high +xn --prefer-mpeg4 +xl --prefer-mpeg4-bd +x2 --prefer-mpeg4-2-2d +x3 --prefer-mpeg4-2-3d +xo --prefer-mpeg4-2-st +x4 --prefer-hevc +x5 --prefer-hevc10 +x= --prefer-uncompr +xi --implicit +te --write-xfer-little +ti --write-xfer-implicit +td --write-xfer-deflated --name --modality-names +uf +fu --unique-filenames +fsu --short-unique-names -tn +fst --timenames --system-time-names -fe --filename-extension -ss --sort-conc-studies -su --sort-on-study-uid -sp --sort-on-patientname +ssd --series-date-subdir --archive --node --reindex --worklist --disable-get -QP --no-patient-root -QS --no-study-root -QO --no-patient-study --no-check-find --no-check-move -ZA --move-aetitle -ZH --move-host +C --convert-to-charset +U8 --convert-to-utf8 +L1 --convert-to-latin1 -Cr --override-charset -xi --propose-implicit -xcr --exec-on-reception -xcs --exec-on-eostudy --on-object --on-study -tos --eostudy-timeout --quiet-time --hook-timeout -xs --exec-sync --refuse --reject --abort-after --abort-during --sleep-after --sleep-during --fault --fault-seed -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version -h --help -aet --aetitle -pdu --max-pdu -i4 --ipv4 -i6 --ipv6 --config -to --timeout -ta --acse-timeout -td --dimse-timeout -ts --socket-timeout --release-timeout +tls --enable-tls -tls --disable-tls +pw --use-passwd --key-password-file --key-password-env -pw --null-passwd +cf --add-cert-file +cd --add-cert-dir +crl --add-crl-file +crv --enable-crl-vfy +cra --enable-crl-all --tls-profile +pg --profile-8996 +pm --profile-8996-mod +py --profile-bcp195-nd +px --profile-bcp195 +pz --profile-bcp195-ex +cs --cipher -ic --ignore-peer-cert +ph --list-profiles +cc --list-ciphers -vc --verify-peer-cert --expect-sni)
        arguments=(none) rest=none
        ;;
    --port | --bind | --count | --grace | --idle-exit | --max-associations | --idle-timeout | --called | --calling | --allow | --name | -fe | --filename-extension | -ss | --sort-conc-studies | -su | --sort-on-study-uid | +C | --convert-to-charset | -tos | --eostudy-timeout | --quiet-time | --hook-timeout | --sleep-after | --sleep-during | --fault | --fault-seed | -aet | --aetitle | -pdu | --max-pdu | -to | --timeout | -ta | --acse-timeout | -td | --dimse-timeout | -ts | --socket-timeout | --release-timeout | +pw | --use-passwd | +cs | --cipher | --expect-sni) kinds=(none) ;;
    --users | --worklist | --config | --key-password-file | +cf | --add-cert-file | +crl | --add-crl-file) kinds=(file) ;;
    --identity-command | -xcr | --exec-on-reception | -xcs | --exec-on-eostudy | --on-object | --on-study) kinds=(command) ;;
    -od | --output-directory | --out | --archive | +cd | --add-cert-dir) kinds=(folder) ;;
    --on-duplicate) kinds=(choice) choices=(skip overwrite rename reject) ;;
    --sync) kinds=(choice) choices=(none object association) ;;
    --only) kinds=(choice) choices=(StoredPrintStorage HardcopyGrayscaleImageStorage HardcopyColorImageStorage ComputedRadiographyImageStorage DigitalXRayImageStorageForPresentation DigitalXRayImageStorageForProcessing DigitalMammographyXRayImageStorageForPresentation DigitalMammographyXRayImageStorageForProcessing DigitalIntraOralXRayImageStorageForPresentation DigitalIntraOralXRayImageStorageForProcessing CTImageStorage EnhancedCTImageStorage LegacyConvertedEnhancedCTImageStorage UltrasoundMultiFrameImageStorageRetired UltrasoundMultiFrameImageStorage MRImageStorage EnhancedMRImageStorage MRSpectroscopyStorage EnhancedMRColorImageStorage LegacyConvertedEnhancedMRImageStorage NuclearMedicineImageStorageRetired UltrasoundImageStorageRetired UltrasoundImageStorage EnhancedUSVolumeStorage PhotoacousticImageStorage SecondaryCaptureImageStorage MultiFrameSingleBitSecondaryCaptureImageStorage MultiFrameGrayscaleByteSecondaryCaptureImageStorage MultiFrameGrayscaleWordSecondaryCaptureImageStorage MultiFrameTrueColorSecondaryCaptureImageStorage StandaloneOverlayStorage StandaloneCurveStorage WaveformStorageTrial TwelveLeadECGWaveformStorage GeneralECGWaveformStorage AmbulatoryECGWaveformStorage General32bitECGWaveformStorage HemodynamicWaveformStorage CardiacElectrophysiologyWaveformStorage BasicVoiceAudioWaveformStorage GeneralAudioWaveformStorage ArterialPulseWaveformStorage RespiratoryWaveformStorage MultichannelRespiratoryWaveformStorage RoutineScalpElectroencephalogramWaveformStorage ElectromyogramWaveformStorage ElectrooculogramWaveformStorage SleepElectroencephalogramWaveformStorage BodyPositionWaveformStorage WaveformPresentationStateStorage WaveformAcquisitionPresentationStateStorage StandaloneModalityLUTStorage StandaloneVOILUTStorage GrayscaleSoftcopyPresentationStateStorage ColorSoftcopyPresentationStateStorage PseudoColorSoftcopyPresentationStateStorage BlendingSoftcopyPresentationStateStorage XAXRFGrayscaleSoftcopyPresentationStateStorage GrayscalePlanarMPRVolumetricPresentationStateStorage CompositingPlanarMPRVolumetricPresentationStateStorage AdvancedBlendingPresentationStateStorage VolumeRenderingVolumetricPresentationStateStorage SegmentedVolumeRenderingVolumetricPresentationStateStorage MultipleVolumeRenderingVolumetricPresentationStateStorage VariableModalityLUTSoftcopyPresentationStateStorage XRayAngiographicImageStorage EnhancedXAImageStorage XRayRadiofluoroscopicImageStorage EnhancedXRFImageStorage XRayAngiographicBiPlaneImageStorage XRay3DAngiographicImageStorage XRay3DCraniofacialImageStorage BreastTomosynthesisImageStorage BreastProjectionXRayImageStorageForPresentation BreastProjectionXRayImageStorageForProcessing IntravascularOpticalCoherenceTomographyImageStorageForPresentation IntravascularOpticalCoherenceTomographyImageStorageForProcessing NuclearMedicineImageStorage ParametricMapStorage RawDataStorage SpatialRegistrationStorage SpatialFiducialsStorage DeformableSpatialRegistrationStorage SegmentationStorage SurfaceSegmentationStorage TractographyResultsStorage LabelMapSegmentationStorage HeightMapSegmentationStorage RealWorldValueMappingStorage SurfaceScanMeshStorage SurfaceScanPointCloudStorage VLImageStorageTrial VLEndoscopicImageStorage VideoEndoscopicImageStorage VLMicroscopicImageStorage VideoMicroscopicImageStorage VLSlideCoordinatesMicroscopicImageStorage VLPhotographicImageStorage VideoPhotographicImageStorage OphthalmicPhotography8BitImageStorage OphthalmicPhotography16BitImageStorage StereometricRelationshipStorage OphthalmicTomographyImageStorage WideFieldOphthalmicPhotographyStereographicProjectionImageStorage WideFieldOphthalmicPhotography3DCoordinatesImageStorage OphthalmicOpticalCoherenceTomographyEnFaceImageStorage OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage VLWholeSlideMicroscopyImageStorage DermoscopicPhotographyImageStorage ConfocalMicroscopyImageStorage ConfocalMicroscopyTiledPyramidalImageStorage VLMultiFrameImageStorageTrial LensometryMeasurementsStorage AutorefractionMeasurementsStorage KeratometryMeasurementsStorage SubjectiveRefractionMeasurementsStorage VisualAcuityMeasurementsStorage SpectaclePrescriptionReportStorage OphthalmicAxialMeasurementsStorage IntraocularLensCalculationsStorage MacularGridThicknessAndVolumeReportStorage OphthalmicVisualFieldStaticPerimetryMeasurementsStorage OphthalmicThicknessMapStorage CornealTopographyMapStorage TextSRStorageTrial AudioSRStorageTrial DetailSRStorageTrial ComprehensiveSRStorageTrial BasicTextSRStorage EnhancedSRStorage ComprehensiveSRStorage Comprehensive3DSRStorage ExtensibleSRStorage ProcedureLogStorage MammographyCADSRStorage KeyObjectSelectionDocumentStorage ChestCADSRStorage XRayRadiationDoseSRStorage RadiopharmaceuticalRadiationDoseSRStorage ColonCADSRStorage ImplantationPlanSRStorage AcquisitionContextSRStorage SimplifiedAdultEchoSRStorage PatientRadiationDoseSRStorage PlannedImagingAgentAdministrationSRStorage PerformedImagingAgentAdministrationSRStorage EnhancedXRayRadiationDoseSRStorage WaveformAnnotationSRStorage ContentAssessmentResultsStorage MicroscopyBulkSimpleAnnotationsStorage EncapsulatedPDFStorage EncapsulatedCDAStorage EncapsulatedSTLStorage EncapsulatedOBJStorage EncapsulatedMTLStorage PositronEmissionTomographyImageStorage LegacyConvertedEnhancedPETImageStorage StandalonePETCurveStorage EnhancedPETImageStorage BasicStructuredDisplayStorage CTPerformedProcedureProtocolStorage XAPerformedProcedureProtocolStorage RTImageStorage RTDoseStorage RTStructureSetStorage RTBeamsTreatmentRecordStorage RTPlanStorage RTBrachyTreatmentRecordStorage RTTreatmentSummaryRecordStorage RTIonPlanStorage RTIonBeamsTreatmentRecordStorage RTPhysicianIntentStorage RTSegmentAnnotationStorage RTRadiationSetStorage CArmPhotonElectronRadiationStorage TomotherapeuticRadiationStorage RoboticArmRadiationStorage RTRadiationRecordSetStorage RTRadiationSalvageRecordStorage TomotherapeuticRadiationRecordStorage CArmPhotonElectronRadiationRecordStorage RoboticRadiationRecordStorage RTRadiationSetDeliveryInstructionStorage RTTreatmentPreparationStorage EnhancedRTImageStorage EnhancedContinuousRTImageStorage RTPatientPositionAcquisitionInstructionStorage DICOSCTImageStorage DICOSDigitalXRayImageStorageForPresentation DICOSDigitalXRayImageStorageForProcessing DICOSThreatDetectionReportStorage DICOS2DAITStorage DICOS3DAITStorage DICOSQuadrupoleResonanceStorage EddyCurrentImageStorage EddyCurrentMultiFrameImageStorage ThermographyImageStorage ThermographyMultiFrameImageStorage UltrasoundWaveformStorage RTBeamsDeliveryInstructionStorageTrial RTBeamsDeliveryInstructionStorage RTBrachyApplicationSetupDeliveryInstructionStorage CTDefinedProcedureProtocolStorage ProtocolApprovalStorage XADefinedProcedureProtocolStorage InventoryStorage HangingProtocolStorage ColorPaletteStorage GenericImplantTemplateStorage ImplantAssemblyTemplateStorage ImplantTemplateGroupStorage) ;;
    --prefer) kinds=(choice) choices=(ImplicitVRLittleEndian ExplicitVRLittleEndian EncapsulatedUncompressedExplicitVRLittleEndian DeflatedExplicitVRLittleEndian JPEGBaseline8Bit JPEGExtended12Bit JPEGLossless JPEGLosslessSV1 JPEGLSLossless JPEGLSNearLossless JPEG2000Lossless JPEG2000 JPEG2000MCLossless JPEG2000MC JPIPReferenced JPIPReferencedDeflate MPEG2MPML MPEG2MPMLF MPEG2MPHL MPEG2MPHLF MPEG4HP41 MPEG4HP41F MPEG4HP41BD MPEG4HP41BDF MPEG4HP422D MPEG4HP422DF MPEG4HP423D MPEG4HP423DF MPEG4HP42STEREO MPEG4HP42STEREOF HEVCMP51 HEVCM10P51 JPEGXLLossless JPEGXLJPEGRecompression JPEGXL HTJ2KLossless HTJ2KLosslessRPCL HTJ2K JPIPHTJ2KReferenced JPIPHTJ2KReferencedDeflate RLELossless DeflatedImageFrameCompression) ;;
    --node) kinds=(node) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    +tls | --enable-tls) kinds=(file file) ;;
    --key-password-env) kinds=(variable) ;;
    --tls-profile) kinds=(choice) choices=(8996 8996-mod tls1.3 bcp195-nd bcp195-ex bcp195) ;;
    esac
}

_dcmnet_of_hash_password() {
    case $1 in
    '')
        options=(--password-file --password-env -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version -h --help)
        arguments=(none) rest=none
        ;;
    --password-file) kinds=(file) ;;
    --password-env) kinds=(variable) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    esac
}

_dcmnet_of_compat() {
    case $1 in
    '')
        options=(--run --json -h --help)
        arguments=(none) rest=none
        ;;
    esac
}

_dcmnet_of_explain() {
    case $1 in
    '')
        options=(--service -q --quiet -v --verbose +v --verbose-pc -d --debug -ll --log-level --json --version -h --help)
        arguments=(choice) rest=none
        choices=(rj abort status context uid command pdu exit)
        ;;
    --service) kinds=(choice) choices=(general echo store non-patient find repository move get frames composite-move composite-get without-bulk-data worklist non-patient-query substance-query patient-info mpps mpps-get commit print ups ups-find ian display logging substance-logging media inventory rt n-event-report n-get n-set n-action n-create n-delete verification storage query retrieve mwl modality-worklist commitment storage-commitment procedure-step unified-procedure-step film inventory-query hanging-protocol color-palette implant-template procedure-protocol protocol-approval) ;;
    -ll | --log-level) kinds=(choice) choices=(fatal error warn info debug trace) ;;
    esac
}
# The words up to the cursor, put together again where bash broke them.
_dcmnet_words() {
    local line=${COMP_LINE:0:COMP_POINT} rest piece i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest=${line#"${line%%[![:blank:]]*}"}
        piece=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && piece=$rest
        if ((i > 0)) && [[ $rest == "$line" ]]; then
            words[${#words[@]}-1]+=$piece
        else
            words+=("$piece")
        fi
        line=${rest#"$piece"}
    done
}

# The nodes of the configuration: of --config, of DCMNET_CONFIG, or the user's own.
_dcmnet_nodes() {
    local file=${1:-$DCMNET_CONFIG} home=$XDG_CONFIG_HOME
    [[ $home == /* ]] || home=$HOME/.config
    [[ $file == '~/'* ]] && file=$HOME/${file#'~/'}
    [[ $file ]] || file=$home/dcmnet/config.toml
    [[ -e $file || $1 || $DCMNET_CONFIG ]] || file="$HOME/Library/Application Support/dcmnet/config.toml"
    [[ -r $file ]] && awk "$_dcmnet_awk" "$file" 2>/dev/null
}

# Offer those words that begin with what is typed ($1) of the last word.
_dcmnet_offer() {
    local typed=$1 before=${current%"$1"} tail=${current##*[$COMP_WORDBREAKS]} word
    [[ ${current%"$tail"} == *@ ]] && tail=@$tail # bash breaks the word before it, not behind
    shift
    for word; do
        if [[ $word == "$typed"* ]]; then
            word=$before$word
            COMPREPLY+=("${word#"${current%"$tail"}"}")
        fi
    done
}

# Offer what a value can be ($1), of which something is typed ($2).
_dcmnet_value() {
    local IFS=$'\n' name found=()
    case $1 in
    file) compopt -o default ;;
    folder) compopt -o dirnames ;;
    command) found=($(compgen -c -- "$2")) && _dcmnet_offer "$2" "${found[@]}" ;;
    variable) found=($(compgen -e -- "$2")) && _dcmnet_offer "$2" "${found[@]}" ;;
    choice) _dcmnet_offer "$2" "${choices[@]}" ;;
    node)
        while read -r name; do
            [[ $2 == *@* ]] && name=${2%@*}@$name
            printf -v name %q "$name"
            found+=("$name")
        done < <(_dcmnet_nodes "$config")
        _dcmnet_offer "$2" "${found[@]}"
        ;;
    esac
} 2>/dev/null

_dcmnet() {
    local words current command config= place=0 ended= asked= word i
    local options arguments rest kinds=() choices waiting=()
    compopt +o default 2>/dev/null
    COMPREPLY=()
    _dcmnet_words
    current=${words[${#words[@]}-1]}
    if ((${#words[@]} == 2)); then
        _dcmnet_offer "$current" "${_dcmnet_commands[@]}"
        return
    fi
    command=_dcmnet_of_${words[1]//-/_}
    declare -F "$command" >/dev/null || return
    for ((i = 2; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if ((${#waiting[@]})); then
            [[ $asked == --config ]] && config=$word
            waiting=("${waiting[@]:1}")
        elif [[ ! $ended && $word == -- ]]; then
            ended=yes
        elif [[ ! $ended && $word == [-+]?* && $word != [-+][0-9]* ]]; then
            asked=$word kinds=()
            "$command" "$word"
            if ((!${#kinds[@]})) && [[ $word == *=* ]]; then
                asked=${word%%=*}
                "$command" "$asked"
                kinds=("${kinds[@]:1}")
                [[ $asked == --config ]] && config=${word#*=}
            fi
            waiting=("${kinds[@]}")
        else
            ((place++))
        fi
    done
    if ((${#waiting[@]})); then
        _dcmnet_value "${waiting[0]}" "$current"
        return
    fi
    if [[ ! $ended && $current == [-+]*=* ]]; then
        kinds=()
        "$command" "${current%%=*}"
        if ((${#kinds[@]})); then
            _dcmnet_value "${kinds[0]}" "${current#*=}"
            return
        fi
    fi
    "$command" ''
    if [[ ! $ended && $current == [-+]* ]]; then
        _dcmnet_offer "$current" "${options[@]}"
    else
        _dcmnet_value "${arguments[place]:-$rest}" "$current"
    fi
}

complete -o default -F _dcmnet dcmnet
